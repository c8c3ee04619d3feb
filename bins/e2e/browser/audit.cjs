// The audit log: filters by action, by person and by day, one entry, and the log taken home. Run by tests/browser_people.rs.
'use strict';

const { readFileSync } = require('node:fs');

const { admin, base, check, fits, keep, launch, listen, say, signIn, signUp } = require('./page.cjs');

async function main() {
  const browser = await launch();
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true })).newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await signUp(page);
    await leaveTraces(browser, page);
    await filterByAction(page);
    await filterByDay(page);
    await oneEntry(page);
    await takeHome(page);
    await onPhones(page);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

const rows = (page) => page.getByRole('table').getByRole('row').filter({ hasNot: page.getByRole('columnheader') });

// Somebody is refused, and signs in; somebody is invited.
async function leaveTraces(browser, page) {
  const other = await (await browser.newContext()).newPage();
  await other.goto(`${base}/login`);
  await other.getByLabel('Name').fill('mallory');
  await other.getByLabel('Password').fill('not the password');
  await other.getByRole('button', { name: 'Sign in', exact: true }).click();
  await other.getByRole('alert').waitFor();
  await signIn(other, admin);
  await page.goto(`${base}/settings/users/new`);
  await page.getByLabel('Name to sign in with').fill('grace');
  await page.getByRole('button', { name: 'Make the setup link' }).click();
  await page.getByLabel('Setup link').waitFor();
}

async function filterByAction(page) {
  await page.goto(`${base}/audit`);
  await page.getByRole('row', { name: /grace/ }).waitFor();
  await keep(page, 'audit-whole');
  await page.getByLabel('Action', { exact: true }).selectOption('login-refused');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL('**/audit?*action=login-refused*');
  await page.getByRole('row', { name: /mallory/ }).waitFor();
  if (await rows(page).count() !== 1) throw new Error('the filter by action shows more');
  await page.getByLabel('Action', { exact: true }).selectOption('');
  await page.getByLabel('Name of actor or subject begins with').fill('grace');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByRole('row', { name: /grace/ }).waitFor();
  if (await page.getByRole('row', { name: /mallory/ }).count() !== 0) throw new Error('the filter by name shows others');
}

// Days are UTC's.
async function filterByDay(page) {
  const today = new Date().toISOString().slice(0, 10);
  await page.goto(`${base}/audit?since=${today}&until=${today}`);
  await page.getByRole('row', { name: /grace/ }).waitFor();
  await page.getByLabel('from (UTC)').fill('2001-01-01');
  await page.getByLabel('to (UTC)').fill('2001-01-02');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByText('Nothing of this kind').waitFor();
  await keep(page, 'audit-nothing-whole');
}

async function oneEntry(page) {
  await page.goto(`${base}/audit?action=user-create`);
  await page.getByRole('row', { name: /grace/ }).getByRole('link').first().click();
  await page.getByRole('heading', { name: 'Place in the chain' }).waitFor();
  await page.getByText('yes: number, content and hashes belong together').waitFor();
  await keep(page, 'audit-entry-whole');
  await page.getByRole('link', { name: 'everything this actor did' }).click();
  await page.getByRole('row', { name: /grace/ }).waitFor();
  if (await page.getByRole('row', { name: /mallory/ }).count() !== 0) throw new Error('the filter by person shows others');
}

async function takeHome(page) {
  await page.goto(`${base}/audit?action=login-refused`);
  for (const name of ['CSV', 'JSONL']) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()]);
    const text = readFileSync(await download.path(), 'utf8');
    if (!text.includes('mallory') || text.includes('grace')) throw new Error(`${name} holds something else than the page:\n${text}`);
  }
}

async function onPhones(page) {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const [path, name] of [['/audit', 'audit'], ['/audit/1', 'audit-entry'], ['/alerts', 'alerts']]) {
    await page.goto(base + path);
    await keep(page, `${name}-phone-dark-whole`);
    await fits(page);
  }
}

check(main);
