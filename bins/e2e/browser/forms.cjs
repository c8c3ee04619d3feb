// What is typed into forms: two paths are refused, mended and stored as they were typed; a path with a character that
// nobody sees survives a change of something else; a live page keeps the focus and says when it waits. Pictures of the
// pages on a wide and on a narrow screen, light and dark. Run by tests/browser_forms.rs.
'use strict';

const { admin, base, check, env, fits, keep, launch, listen, say, signIn } = require('./page.cjs');

const host = env('HOST_ID');
const repository = env('REPOSITORY_ID');
const PATHS = ['/etc', '/srv/نیم\u200cفاصله'];
const EXCLUDES = ['*.tmp', '/srv/a b'];

async function main() {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await signIn(page, admin);
    const group = await typeAndMend(page);
    await changeSomethingElse(page, group);
    await openSchedule(page);
    await keepFocus(page);
    await sayThatItWaits(page);
    await picture(page, group);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

async function typeAndMend(page) {
  await page.goto(`${base}/hosts/${host}/sources/new`);
  await page.getByLabel('Name', { exact: true }).fill('web 01');
  await page.getByLabel('Paths to back up').fill(PATHS.join('\n'));
  await page.getByLabel('Exclude patterns').fill(EXCLUDES.join('\n'));
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('1 to 64 letters, digits').waitFor();
  await same(page.getByLabel('Paths to back up').inputValue(), PATHS.join('\n'));
  await page.getByText('Holds characters that cannot be seen: U+200C.').waitFor();
  await keep(page, 'form-refused');
  await page.getByLabel('Name', { exact: true }).fill('papers');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The source group was added').waitFor();
  const group = (await groups(page)).find((one) => one.name === 'papers');
  await same(group.includes, PATHS);
  await same(group.excludes, EXCLUDES);
  return group.id;
}

async function changeSomethingElse(page, id) {
  await page.goto(`${base}/sources/${id}`);
  await page.getByRole('textbox', { name: /^Daily/ }).first().fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The source group was changed').waitFor();
  const group = (await groups(page)).find((one) => one.id === id);
  await same(group.includes, PATHS);
  await same(group.excludes, EXCLUDES);
  await same(group.retention.daily, 7);
}

// The next runs are there before anything is touched.
async function openSchedule(page) {
  await page.goto(`${base}/hosts/${host}/schedules/new`);
  await same(page.locator('#next-runs ol li').count(), 5);
}

async function keepFocus(page) {
  await page.goto(`${base}/hosts`);
  const link = page.locator('#live a.row-link').first();
  await link.focus();
  await link.evaluate((element) => { element.dataset.old = 'yes'; });
  await refresh(page);
  await page.locator('#live a.row-link:not([data-old])').first().waitFor();
  const focused = await page.evaluate(() => document.activeElement.getAttribute('href'));
  await same(focused, await page.locator('#live a.row-link').first().getAttribute('href'));
}

async function sayThatItWaits(page) {
  await page.goto(`${base}/repositories/${repository}`);
  await page.getByText('Who does it, and how often…').click();
  const other = await page.context().newPage();
  await other.goto(`${base}/repositories/${repository}`);
  await other.locator('#live form[action="/jobs"] button').first().click();
  await other.waitForURL('**/jobs/*');
  await other.close();
  await page.getByText('There is news.').waitFor();
  await page.getByText('Who does it, and how often…').click();
  await page.getByText('There is news.').waitFor({ state: 'hidden' });
}

// As an event of the fleet does it.
function refresh(page) {
  return page.evaluate(() => { document.body.dispatchEvent(new CustomEvent('fleet-changed')); });
}

// What the API has, asked as the page's own script would.
function groups(page) {
  return page.evaluate(async (path) => (await (await fetch(path)).json()).items, `/api/v1/hosts/${host}/source-groups`);
}

async function same(found, wanted) {
  const text = JSON.stringify(await found);
  if (text !== JSON.stringify(wanted)) throw new Error(`${text} is not ${JSON.stringify(wanted)}`);
}

async function picture(page, group) {
  const pages = [['/', 'overview'], ['/hosts/new', 'add-host'], [`/hosts/${host}/sources`, 'sources'],
    [`/sources/${group}`, 'source'], [`/hosts/${host}/schedules/new`, 'schedule'], ['/repositories/new', 'storage'],
    [`/repositories/${repository}`, 'repository'], [`/hosts/${host}/hooks`, 'hooks'], ['/settings/tokens', 'tokens'],
    ['/jobs/x', 'error'], ['/gallery', 'gallery']];
  for (const [width, height] of [[1280, 800], [360, 740]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const [path, name] of pages) {
        await page.goto(base + path);
        await keep(page, `forms-${name}-${width}-${colorScheme}-whole`);
        if (name !== 'gallery') await fits(page);
      }
    }
  }
}

check(main);
