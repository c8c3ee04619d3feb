// Announced hosts: switched on, seen live, compared, one accepted, one rejected; then the accepted one is removed, read
// and purged. Run by tests/browser_announce.rs.
'use strict';

const { base, check, fits, keep, launch, listen, say, signUp } = require('./page.cjs');

const WIDE = { viewport: { width: 1280, height: 800 } };
const LONG = 120_000;

async function main() {
  const browser = await launch();
  try {
    const page = await (await browser.newContext(WIDE)).newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await signUp(page);
    await switchOn(page);
    await accept(page);
    await reject(page);
    await removeAndPurge(page);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

async function switchOn(page) {
  await page.goto(`${base}/hosts/pending`);
  await page.getByText('Announcements are off').waitFor();
  await page.getByRole('link', { name: 'Open the settings' }).click();
  await page.getByRole('radio', { name: 'On, while open' }).check();
  await keep(page, 'settings-announce');
  await page.locator('form[action="/settings/registration"]').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Those that do wait for an admin for an hour.').waitFor();
  await page.goto(`${base}/hosts/new`);
  const line = await page.getByLabel('Linux: run as root').innerText();
  await keep(page, 'add-host-announce-whole');
  await page.goto(`${base}/hosts/pending`);
  await page.getByText('Nobody waits').waitFor();
  await keep(page, 'pending-hosts-empty');
  say('ANNOUNCE', line.replace(/\s+/g, ' '));
}

// The list shows the host without being asked again, and so does the count in the rail.
async function accept(page) {
  const row = page.locator('#live tbody tr').first();
  await row.waitFor({ timeout: LONG });
  await page.locator('#announced .badge').getByText('1').waitFor();
  await keep(page, 'pending-hosts');
  await page.goto(`${base}/`);
  await page.getByRole('heading', { name: 'Announced hosts' }).waitFor();
  await page.locator('table').getByRole('link').first().click();
  await page.waitForURL('**/hosts/pending/*');
  const print = page.locator('.fingerprint');
  await print.waitFor();
  say('FINGERPRINT', await print.locator('[data-copy]').getAttribute('data-copy'));
  await keep(page, 'pending-host-whole');
  await onPhone(page, 'pending-host-phone-dark-whole');
  await page.getByLabel('Host name').fill('web-01');
  await page.getByRole('radio', { name: 'Decide later' }).check();
  say('SEEN');
  await page.getByRole('button', { name: 'Accept this host' }).click();
  await page.getByText('The host was accepted.').waitFor();
  await page.getByRole('heading', { name: 'web-01' }).waitFor();
}

async function reject(page) {
  await page.goto(`${base}/hosts/pending`);
  await page.locator('#live tbody tr').first().waitFor({ timeout: LONG });
  await onPhone(page, 'pending-hosts-phone-dark-whole');
  await page.locator('#live tbody tr').first().getByRole('link').click();
  await page.waitForURL('**/hosts/pending/*');
  await page.getByRole('button', { name: 'Reject this host' }).click();
  await page.getByText('The host was rejected;').waitFor();
  await page.getByText('Nobody waits').waitFor();
}

async function removeAndPurge(page) {
  await page.goto(`${base}/hosts`);
  await page.getByRole('link', { name: 'web-01' }).click();
  await page.getByText('online').first().waitFor({ timeout: LONG });
  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  await confirm(page, 'Remove this host');
  await page.getByText('The host was removed and its agent cut off.').waitFor();
  await page.getByRole('link', { name: 'removed', exact: true }).click();
  await page.waitForURL('**/hosts?deleted=yes');
  await keep(page, 'hosts-removed');
  await page.getByRole('link', { name: 'web-01' }).click();
  await page.getByText('This host was removed').waitFor();
  await keep(page, 'host-removed');
  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  await keep(page, 'host-removed-settings-whole');
  await onPhone(page, 'host-removed-settings-phone-dark-whole');
  await confirm(page, 'Purge this host’s history');
  await page.getByText('What was kept of the host is gone.').waitFor();
  await page.getByText('No removed hosts').waitFor();
}

async function confirm(page, label) {
  await page.locator('details.confirm summary').click();
  await page.getByLabel(/Type .*web-01.* to go on/).fill('web-01');
  await page.getByRole('button', { name: label, exact: true }).click();
}

async function onPhone(page, name) {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await keep(page, name);
  await fits(page);
  await page.setViewportSize(WIDE.viewport);
  await page.emulateMedia({ colorScheme: 'light' });
}

check(main);
