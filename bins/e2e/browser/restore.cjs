// A deleted file is looked for in the newest snapshot, and restored to its place and into a new folder. Says how many
// clicks and fields that took. Pictures of each page on a wide and on a narrow screen, light and dark. Run by
// tests/browser_restore.rs.
'use strict';

const { admin, base, check, env, fits, keep, launch, listen, say, signIn } = require('./page.cjs');

const LONG = 120_000;
const host = env('HOST_ID');
let acts = 0;

async function main() {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await signIn(page, admin);
    await toPlace(page);
    say(`acts to have it back in its place: ${acts}`);
    await toFolder(page);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

async function click(target) {
  acts += 1;
  await target.click();
}

async function fill(target, text) {
  acts += 1;
  await target.fill(text);
}

// From the host's page down the folders to the file.
async function find(page) {
  await page.goto(`${base}/hosts/${host}`);
  await click(page.getByRole('link', { name: 'Look inside' }).first());
  for (const name of env('FOLDER').split('/').filter((part) => part !== '')) {
    await click(page.locator('main').getByRole('link', { name, exact: true }));
  }
  await page.getByText('letter.txt', { exact: true }).waitFor();
}

async function ended(page) {
  await page.waitForURL('**/jobs/*');
  await page.locator('.pill', { hasText: 'succeeded' }).waitFor({ timeout: LONG });
}

// The same page on a phone, dark.
async function narrow(page, name) {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await fits(page);
  await keep(page, `${name}-narrow`);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
}

async function toPlace(page) {
  await find(page);
  await keep(page, 'snapshot');
  await narrow(page, 'snapshot');
  acts += 1;
  await page.getByLabel('Choose letter.txt').check();
  await click(page.getByRole('button', { name: 'Restore what is chosen' }));
  const chosen = await page.getByLabel('What', { exact: true }).inputValue();
  if (chosen !== `${env('FOLDER')}/letter.txt`) throw new Error(`chosen was ${chosen}`);
  acts += 1;
  await page.getByRole('radio', { name: /^The original place/ }).check();
  await click(page.getByRole('button', { name: 'See what it would do' }));
  await page.getByText('What it would do', { exact: true }).waitFor();
  await page.getByRole('cell', { name: 'new' }).first().waitFor();
  await keep(page, 'restore-plan');
  await narrow(page, 'restore-plan');
  // Without the name it is refused, and what was chosen stays.
  await page.getByRole('button', { name: 'Restore exactly this' }).click();
  await page.getByText('typed: its files are replaced').waitFor();
  await keep(page, 'restore');
  await narrow(page, 'restore');
  await fill(page.getByLabel(`Type “${env('HOST_NAME')}” to replace files of that host`), env('HOST_NAME'));
  await page.getByRole('button', { name: 'See what it would do' }).click();
  await click(page.getByRole('button', { name: 'Restore exactly this' }));
  await ended(page);
  await page.getByText('Files restored', { exact: true }).waitFor();
  await keep(page, 'restored');
}

async function toFolder(page) {
  await find(page);
  await page.getByLabel('Choose letter.txt').check();
  await page.getByRole('button', { name: 'Keep it chosen and look on' }).click();
  await page.getByText('1 chosen').waitFor();
  await page.getByRole('button', { name: 'Restore what is chosen' }).click();
  await page.getByRole('textbox', { name: /^Folder/ }).fill(env('TARGET'));
  await page.getByRole('button', { name: 'Restore without looking first' }).click();
  await ended(page);
}

check(main);
