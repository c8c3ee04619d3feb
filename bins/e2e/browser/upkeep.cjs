// Retention, schedules and upkeep in a browser: make a group and a schedule, see its next runs, run it now, try a policy
// before it is kept, watch a prune to its end, and read the repository's page. Pictures of each page on a wide and on a
// narrow screen, light and dark. Run by tests/browser_upkeep.rs.
'use strict';

const { admin, base, check, env, fits, keep, launch, listen, say, signIn } = require('./page.cjs');

const LONG = 120_000;
const host = env('HOST_ID');
const repository = env('REPOSITORY_ID');

async function main() {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await signIn(page, admin);
    await makeGroup(page);
    await makeSchedule(page);
    const preview = await tryPolicy(page);
    await runUpkeep(page);
    await readRepository(page);
    await typeStorage(page);
    await picture(page, preview);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

async function makeGroup(page) {
  await page.goto(`${base}/hosts/${host}/sources/new`);
  await page.getByLabel('Name', { exact: true }).fill('papers');
  await page.getByLabel('Paths to back up').fill(env('INCLUDE_PATH'));
  await page.getByRole('textbox', { name: /^Daily/ }).first().fill('seven');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('a number, such as 14, or nothing').waitFor();
  await page.getByRole('textbox', { name: /^Daily/ }).first().fill('7');
  await page.getByRole('textbox', { name: /^Hourly/ }).first().fill('24');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The source group was added').waitFor();
  await page.getByText('“hourly” wants a backup every hour').waitFor();
}

async function makeSchedule(page) {
  await page.goto(`${base}/hosts/${host}/schedules/new`);
  await page.getByLabel('Name', { exact: true }).fill('nightly');
  await page.getByLabel('Time zone').fill('Europe/Vienna');
  await page.getByLabel('default', { exact: true }).uncheck();
  await page.getByLabel('papers', { exact: true }).check();
  await page.locator('#next-runs ol li').nth(4).waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The schedule was added').waitFor();
  await keep(page, 'schedules');
  for (let run = 0; run < 2; run += 1) {
    await page.goto(`${base}/hosts/${host}/schedules`);
    await page.getByRole('button', { name: 'Run now' }).last().click();
    await page.waitForURL('**/jobs/*');
    await page.locator('.pill', { hasText: 'succeeded' }).waitFor({ timeout: LONG });
  }
}

async function tryPolicy(page) {
  await page.goto(`${base}/hosts/${host}/sources`);
  await page.locator('section', { hasText: 'papers' }).getByRole('link', { name: 'Change' }).last().click();
  await page.getByRole('textbox', { name: /^Newest/ }).fill('1');
  for (const rule of ['Hourly', 'Daily']) {
    await page.getByRole('textbox', { name: new RegExp(`^${rule}`) }).first().fill('');
  }
  await page.getByRole('button', { name: 'Preview what is kept' }).click();
  await page.waitForURL('**/preview');
  const address = page.url();
  await page.getByText('1 kept, 1 would be removed').waitFor({ timeout: LONG });
  await page.getByRole('cell', { name: 'last snapshot' }).waitFor();
  await keep(page, 'retention-preview');
  await page.getByRole('button', { name: 'Save this policy' }).click();
  await page.getByText('The retention policy was saved').waitFor();
  await page.getByText('last 1', { exact: true }).waitFor();
  await keep(page, 'sources');
  return address;
}

async function run(page, duty) {
  await page.goto(`${base}/repositories/${repository}`);
  await page.locator('tr', { hasText: duty }).getByRole('button', { name: 'Run now' }).click();
  await page.waitForURL('**/jobs/*');
  await page.locator('.pill', { hasText: 'succeeded' }).waitFor({ timeout: LONG });
}

async function runUpkeep(page) {
  await run(page, 'Prune');
  await keep(page, 'prune');
  await run(page, 'Integrity check');
  await run(page, 'Statistics');
  await run(page, 'Deletion test');
  await run(page, 'Unlock');
}

async function readRepository(page) {
  await page.goto(`${base}/repositories/${repository}`);
  await page.getByText('proven refused').waitFor();
  await page.getByText('To restore all').waitFor();
  await page.getByText('No runner is named').first().waitFor();
  await page.getByText('Who does it, and how often…').click();
  await page.getByLabel('Runner').selectOption({ label: env('HOST_NAME') });
  await page.getByLabel('Prune').selectOption({ label: 'every 14 days' });
  await page.getByRole('button', { name: 'Save the upkeep' }).click();
  await page.getByText('The upkeep was changed').waitFor();
  if (await page.getByText('No runner is named').count() > 0) throw new Error('the runner is not kept');
  await page.getByRole('button', { name: 'Test the connection' }).click();
  await page.waitForURL('**/jobs/*');
  await page.locator('.pill', { hasText: 'succeeded' }).waitFor({ timeout: LONG });
}

// What is typed is tried in another tab, and stays in the form.
async function typeStorage(page) {
  await page.goto(`${base}/repositories/new`);
  await page.getByLabel('Name', { exact: true }).fill('second');
  await page.getByRole('radio', { name: /^rest-server/ }).check();
  await page.getByLabel('Address').fill(env('OTHER_ADDRESS'));
  await page.getByRole('textbox', { name: /^User/ }).fill(env('STORAGE_USER'));
  await page.getByLabel('Password of that user').fill(env('STORAGE_PASSWORD'));
  await keep(page, 'new-repository');
  const [tried] = await Promise.all([
    page.context().waitForEvent('page'),
    page.getByRole('button', { name: 'Test first' }).click(),
  ]);
  await tried.getByText('Repository missing').waitFor({ timeout: LONG });
  await tried.close();
  if (await page.getByLabel('Address').inputValue() !== env('OTHER_ADDRESS')) throw new Error('what was typed is gone');
}

async function picture(page, preview) {
  const pages = [
    ['/', 'overview'], ['/repositories', 'repositories'], [`/repositories/${repository}`, 'repository'],
    ['/repositories/new', 'new-repository'], [`/hosts/${host}/sources`, 'sources'], [`/hosts/${host}/sources/new`, 'source'],
    [`/hosts/${host}/schedules`, 'schedules'], ['/jobs', 'jobs'], [preview.replace(base, ''), 'retention-preview'],
  ];
  for (const width of [1280, 390]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      for (const [path, name] of pages) {
        await page.goto(base + path);
        await keep(page, `${name}-${width}-${colorScheme}-whole`);
        await fits(page);
      }
    }
  }
}

check(main);
