// People: the list of sessions, of which one is ended, a setup link that is followed, and a role for a part of the fleet. Run by tests/browser_people.rs.
'use strict';

const { admin, base, check, fits, keep, launch, listen, say, signIn, signUp } = require('./page.cjs');

const PERSON = { name: 'grace', password: 'crimson kettles sing' };
const WIDE = { viewport: { width: 1280, height: 800 } };

async function main() {
  const browser = await launch();
  try {
    const page = await (await browser.newContext(WIDE)).newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await signUp(page);
    await endAnotherSession(browser, page);
    const link = await invite(page);
    await follow(browser, link);
    await invitedIsActive(page);
    await withoutScript(browser, page);
    await forAPart(page);
    await onPhones(page);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

// Signs in twice and ends the other: the other is out, its open page at once.
async function endAnotherSession(browser, page) {
  const other = await (await browser.newContext({ ...WIDE, userAgent: 'Mozilla/5.0 (X11; Linux) Firefox/140.0' })).newPage();
  await signIn(other, admin);
  const closed = new Promise((resolve) => {
    other.on('websocket', (socket) => socket.on('close', () => resolve()));
  });
  await Promise.all([other.waitForEvent('websocket'), other.goto(`${base}/hosts`)]);
  await page.goto(`${base}/settings/sessions`);
  await keep(page, 'sessions');
  const row = page.getByRole('row', { name: /Firefox on Linux/ });
  await row.getByRole('button', { name: 'End' }).click();
  await page.getByText('The session was ended.').waitFor();
  if (await row.count() > 0) throw new Error('the ended session is still listed');
  await closed;
  await other.goto(`${base}/settings/account`);
  await other.waitForURL('**/login?next=*');
  await page.getByText('this is your only session').first().waitFor();
}

async function invite(page) {
  await page.goto(`${base}/settings/users`);
  await page.getByRole('link', { name: 'Add a user' }).click();
  await page.getByLabel('Name to sign in with').fill(PERSON.name);
  await page.getByRole('radio', { name: 'Operator' }).check();
  await keep(page, 'user-new');
  await page.getByRole('button', { name: 'Make the setup link' }).click();
  const link = await page.getByLabel('Setup link').innerText();
  await keep(page, 'user-invited');
  await page.goto(`${base}/settings/users`);
  await page.getByRole('row', { name: /grace/ }).getByText('invited').waitFor();
  return link.trim();
}

async function follow(browser, link) {
  const page = await (await browser.newContext(WIDE)).newPage();
  const noise = listen(page);
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(link);
  await page.getByRole('heading', { name: `Welcome, ${PERSON.name}` }).waitFor();
  if (page.url().includes('#')) throw new Error('the token stays in the address');
  await keep(page, 'setup');
  await page.getByLabel('Your password').fill(PERSON.password);
  await page.getByLabel('The same password again').fill(PERSON.password);
  await page.getByRole('button', { name: 'Set the password and sign in' }).click();
  await page.getByText('Your password is set, and you are signed in.').waitFor();
  const token = link.split('#')[1];
  if (asked.some((url) => url.split('#')[0].includes(token))) throw new Error('the token was sent in an address');
  await page.goto(`${base}/settings/account`);
  await keep(page, 'account');
  if (await page.getByRole('link', { name: 'Users' }).count() > 0) throw new Error('an operator is led to the users');
  if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);

  const late = await (await browser.newContext(WIDE)).newPage();
  await late.goto(link);
  await late.getByText('This link opens nothing').waitFor();
  await keep(late, 'setup-spent');
}

async function invitedIsActive(page) {
  await page.goto(`${base}/settings/users`);
  const row = page.getByRole('row', { name: /grace/ });
  await row.getByText('active').waitFor();
  await keep(page, 'users');
  await row.getByRole('link').click();
  await page.getByRole('heading', { name: 'Danger zone' }).waitFor();
  await keep(page, 'user-whole');
}

async function withoutScript(browser, page) {
  await page.getByRole('button', { name: 'Make a link' }).click();
  await page.getByText('Without scripts in the browser').click();
  const token = (await page.getByLabel('Token alone').innerText()).trim();
  const plain = await (await browser.newContext({ ...WIDE, javaScriptEnabled: false })).newPage();
  await plain.goto(`${base}/setup`);
  await plain.getByLabel('One-time token').fill(token);
  await plain.getByRole('button', { name: 'Go on' }).click();
  await plain.getByLabel('Your password').fill('amber ladders hum');
  await plain.getByLabel('The same password again').fill('amber ladders hum');
  await plain.getByRole('button', { name: 'Set the password and sign in' }).click();
  await plain.waitForURL((url) => url.pathname === '/');
}

// A role for tags; what is not a scope is told at the field and nothing is lost.
async function forAPart(page) {
  await page.goto(`${base}/settings/users/new`);
  await page.getByLabel('Name to sign in with').fill('berta');
  await page.getByRole('radio', { name: 'Named hosts' }).check();
  await page.getByRole('textbox', { name: /^Hosts/ }).fill('nowhere');
  await page.getByRole('button', { name: 'Make the setup link' }).click();
  await page.getByText('there is no host named nowhere').waitFor();
  await keep(page, 'user-new-refused-whole');
  await page.getByRole('radio', { name: 'Hosts with tags' }).check();
  await page.getByRole('textbox', { name: /^Tags/ }).fill('berlin, paris');
  await page.getByRole('button', { name: 'Make the setup link' }).click();
  await page.getByLabel('Setup link').waitFor();
  await page.goto(`${base}/settings/users`);
  const row = page.getByRole('row', { name: /berta/ });
  await row.getByText('berlin, paris').waitFor();
  await row.getByRole('link').click();
  await page.getByRole('textbox', { name: /^Tags/ }).fill('berlin');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The user was changed.').waitFor();
  await keep(page, 'user-scope-whole');
  await page.goto(`${base}/settings/users`);
  await page.getByRole('row', { name: /berta/ }).getByText('berlin', { exact: true }).waitFor();
}

async function onPhones(page) {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const name of ['account', 'sessions', 'users', 'users/new']) {
    await page.goto(`${base}/settings/${name}`);
    await keep(page, `${name.replace('/', '-')}-phone-dark-whole`);
    await fits(page);
  }
  await page.goto(`${base}/settings/users`);
  await page.getByRole('row', { name: /grace/ }).getByRole('link').click();
  await page.getByRole('heading', { name: 'Danger zone' }).waitFor();
  await keep(page, 'user-phone-dark-whole');
  await fits(page);
}

check(main);
