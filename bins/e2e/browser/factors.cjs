// Second factors and API tokens in a real browser: an authenticator app, a passkey in a virtual authenticator, the
// question for a proof before a dangerous act, a token. Talks to the test by lines. Run by tests/factors.rs.
'use strict';

const { createHmac } = require('node:crypto');

const { admin, base, check, env, fits, keep, launch, listen, say } = require('./page.cjs');

async function main() {
  const browser = await launch();
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    page.setDefaultTimeout(30_000);
    const noise = listen(page);
    await bootstrap(page);
    const secret = await setUpApp(page);
    await signInWithCode(page, secret);
    await addPasskey(page);
    await signInWithPasskey(page);
    await makeToken(page);
    await onPhones(page);
    if (noise.length > 0) throw new Error(`the console said:\n${noise.join('\n')}`);
    say('DONE');
  } finally {
    await browser.close();
  }
}

async function bootstrap(page) {
  await page.goto(`${base}/bootstrap`);
  await page.getByLabel('Bootstrap token').fill(env('BOOTSTRAP_TOKEN'));
  await page.getByLabel('Your name to sign in with').fill(admin.name);
  await page.getByLabel('Password', { exact: true }).fill(admin.password);
  await page.getByLabel('The same password again').fill(admin.password);
  await page.getByRole('button', { name: 'Make the first admin' }).click();
  await page.waitForURL((url) => url.pathname === '/');
}

async function setUpApp(page) {
  await page.goto(`${base}/hosts`);
  await keep(page, 'second-factor-missing');
  await page.getByRole('link', { name: 'Set one up' }).click();
  await keep(page, 'two-factor-none-whole');
  await page.getByRole('link', { name: 'Set up an app' }).click();
  const secret = (await page.getByRole('group', { name: 'Or type it in' }).innerText()).replace(/\s+/g, '');
  await page.getByRole('img', { name: 'QR code' }).waitFor();
  await keep(page, 'two-factor-app-whole');
  await page.getByLabel('The code that it shows now').fill('000000');
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByText('not the code of this secret now').waitFor();
  await page.getByLabel('The code that it shows now').fill(code(secret, 0));
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByText('Ten ways back in').waitFor();
  await keep(page, 'two-factor-codes-whole');
  await page.getByRole('link', { name: 'I have kept them' }).click();
  await keep(page, 'two-factor-app-set-whole');
  await page.goto(`${base}/hosts`);
  if (await page.getByRole('link', { name: 'Set one up' }).count() > 0) throw new Error('a second factor is asked for again');
  return secret;
}

async function signOut(page) {
  await page.goto(`${base}/settings/account`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL('**/login');
}

async function signInWithCode(page, secret) {
  await signOut(page);
  await keep(page, 'login-passkey-whole');
  await page.getByLabel('Name').fill(admin.name);
  await page.getByLabel('Password').fill(admin.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('One more step', { exact: true }).waitFor();
  await keep(page, 'login-second-step-whole');
  await page.getByLabel('Code').fill('000000');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('That did not match').waitFor();
  // The present code was spent on setting up; the next one is good already.
  await page.getByLabel('Code').fill(code(secret, 1));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.pathname === '/');
}

async function addPasskey(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  await page.goto(`${base}/settings/two-factor`);
  await page.getByLabel('Name of the device').fill('Laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('The passkey was added').waitFor();
  await keep(page, 'two-factor-passkey-whole');
}

async function signInWithPasskey(page) {
  await signOut(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.waitForURL((url) => url.pathname === '/');
}

// The proof of this sign-in is made old by the test, in the database.
async function makeToken(page) {
  say('AGE');
  const aged = async () => (await (await fetch('/api/v1/session')).json()).proved_at < '2000';
  await page.waitForFunction(aged);
  await page.goto(`${base}/settings/tokens`);
  await keep(page, 'tokens-none-whole');
  await page.getByLabel('What it is for').fill('monitoring');
  await page.getByRole('radio', { name: 'Hosts with tags' }).check();
  await page.getByRole('textbox', { name: /^Tags/ }).fill('berlin, paris');
  await page.getByRole('button', { name: 'Make the token' }).click();
  await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
  await keep(page, 'confirm-whole');
  await page.getByRole('button', { name: 'Confirm with a passkey' }).click();
  await page.getByText('It is shown once').waitFor();
  await keep(page, 'token-made-whole');
  const token = (await page.getByRole('group', { name: 'API token' }).innerText()).trim();
  await opens(token, 200);
  await page.getByRole('link', { name: 'I have kept it' }).click();
  await page.getByRole('row', { name: /monitoring/ }).getByText('berlin, paris').waitFor();
  await keep(page, 'tokens-whole');
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('it opens nothing any more').waitFor();
  await opens(token, 401);
}

async function opens(token, status) {
  const answer = await fetch(`${base}/api/v1/hosts`, { headers: { authorization: `Bearer ${token}` } });
  if (answer.status !== status) throw new Error(`the token got ${answer.status}, not ${status}`);
}

async function onPhones(page) {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const [path, name] of [['/settings/two-factor', 'two-factor'], ['/settings/two-factor/app', 'two-factor-app'], ['/settings/tokens', 'tokens']]) {
    await page.goto(base + path);
    await keep(page, `${name}-phone-dark-whole`);
    await fits(page);
  }
}

// RFC 6238, as an app computes it, for the step that is `later` steps from now.
function code(secret, later) {
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const mac = createHmac('sha1', key).update(step).digest();
  const word = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, '0');
}

check(main);
