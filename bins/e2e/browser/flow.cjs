// The way of a newcomer through the pages: bootstrap, sign in, add a host, back up, watch, see the snapshot.
// Talks to the test by lines on standard output; every page passed is checked for accessibility and for silence
// of the console. Run by tests/browser.rs.
'use strict';

const { mkdirSync } = require('node:fs');
const { chromium } = require('playwright-core');
const { AxeBuilder } = require('@axe-core/playwright');

const env = (name) => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};
const base = env('BASE_URL');
const shots = env('SCREENSHOTS');
const admin = { name: env('ADMIN_NAME'), password: env('ADMIN_PASSWORD') };
const say = (word, text = '') => process.stdout.write(`${word} ${text}\n`);

const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const LONG = 120_000;

// What axe must find nothing wrong with.
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

async function main() {
  mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({ executablePath: env('CHROMIUM'), args: FLAGS });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await bootstrap(page);
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

function listen(page) {
  const noise = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) noise.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => noise.push(`${page.url()}: ${error}`));
  return noise;
}

async function bootstrap(page) {
  await page.goto(`${base}/`);
  await page.waitForURL('**/bootstrap');
  await keep(page, 'bootstrap');
  await page.getByLabel('Bootstrap token').fill(env('BOOTSTRAP_TOKEN'));
  await page.getByLabel('Your name to sign in with').fill(admin.name);
  await page.getByLabel('Password', { exact: true }).fill(admin.password);
  await page.getByLabel('The same password again').fill(admin.password);
  await page.getByRole('button', { name: 'Make the first admin' }).click();
  await page.waitForURL((url) => url.pathname !== '/bootstrap');
  if (new URL(page.url()).pathname === '/login') {
    await keep(page, 'login');
    await page.getByLabel('Name').fill(admin.name);
    await page.getByLabel('Password').fill(admin.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }
  await page.waitForURL((url) => url.pathname === '/');
  await keep(page, 'overview-empty');
  say('SIGNED-IN');
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
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (overflow > 0) throw new Error(`${path} is ${overflow} px too wide for a phone`);
  }
}

// A picture for the docs, and the checks that every page must pass.
async function keep(page, name) {
  await page.screenshot({ path: `${shots}/${name}.png` });
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  if (violations.length > 0) {
    const told = violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.map((node) => node.html).join(' | ')}`);
    throw new Error(`${name} (${page.url()}) is not accessible:\n${told.join('\n')}`);
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
});
