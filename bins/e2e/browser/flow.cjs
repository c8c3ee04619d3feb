// The way of a newcomer through the pages: bootstrap, sign in, add a host, back up, watch, see the snapshot.
// Talks to the test by lines on standard output; every page passed is checked for accessibility and for silence
// of the console. Run by tests/browser.rs.
'use strict';

const { base, check, env, fits, keep, launch, listen, say, signUp } = require('./page.cjs');

const LONG = 120_000;

async function main() {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await signUp(page);
    await keep(page, 'overview-empty');
    say('SIGNED-IN');
    await addHost(page);
    await backUp(page);
    await seeSnapshot(page);
    await lookAround(page);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

async function addHost(page) {
  await page.goto(`${base}/hosts/new`);
  await page.getByLabel('Host name').fill(env('HOST_NAME'));
  await page.getByRole('radio', { name: 'A new repository' }).check();
  await page.getByLabel('Repository name').fill('main');
  await page.getByLabel('Location').fill(env('REPOSITORY_LOCATION'));
  await page.getByLabel('Password that encrypts it').fill(env('REPOSITORY_PASSWORD'));
  await page.getByRole('radio', { name: 'rest-server' }).check();
  await page.getByRole('textbox', { name: /^User/ }).fill(env('STORAGE_USER'));
  await page.getByLabel('Password of that user').fill(env('STORAGE_PASSWORD'));
  await page.getByLabel('Paths to back up').fill(env('INCLUDE_PATH'));
  await keep(page, 'add-host');
  await page.getByRole('button', { name: 'Make the install line' }).click();
  const line = page.getByLabel('Linux: run as root');
  await line.waitFor();
  await keep(page, 'invitation');
  say('INVITATION', (await line.innerText()).replace(/\s+/g, ' '));
  await page.getByText(`${env('HOST_NAME')} is online`).waitFor({ timeout: LONG });
  await keep(page, 'host-online');
}

async function backUp(page) {
  await page.getByRole('button', { name: 'Back up now' }).first().click();
  await page.waitForURL('**/jobs/*');
  say('JOB', page.url().split('/').pop());
  await page.locator('progress').waitFor({ timeout: LONG });
  const moved = () => Number(document.querySelector('progress')?.value ?? 0) > 0;
  await page.waitForFunction(moved, null, { timeout: LONG });
  await page.locator('.log-line').first().waitFor({ timeout: LONG });
  await keep(page, 'job-running');
  say('RUNNING');
  await page.locator('.pill', { hasText: /succeeded/i }).waitFor({ timeout: LONG });
  await keep(page, 'job-done');
}

async function seeSnapshot(page) {
  await page.getByRole('link', { name: env('HOST_NAME') }).first().click();
  await page.waitForURL('**/hosts/*');
  const snapshot = page.locator('.timeline li').first();
  await snapshot.waitFor({ timeout: LONG });
  say('SNAPSHOT', (await snapshot.locator('.mono[title]').first().getAttribute('title')) ?? '');
  await keep(page, 'host');
}

async function lookAround(page) {
  for (const [path, name] of [['/', 'overview'], ['/hosts', 'hosts'], ['/repositories', 'repositories'],
    ['/jobs', 'jobs'], ['/audit', 'audit'], ['/settings', 'settings']]) {
    await page.goto(base + path);
    await keep(page, name);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const [path, name] of [['/', 'overview-phone-dark'], ['/hosts', 'hosts-phone-dark']]) {
    await page.goto(base + path);
    await keep(page, name);
    await fits(page);
  }
}

check(main);
