// What every browser test does: starts a browser, listens to its console, keeps a picture of each page and checks it for
// accessibility.
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

// What axe must find nothing wrong with.
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

function launch() {
  mkdirSync(shots, { recursive: true });
  return chromium.launch({ executablePath: env('CHROMIUM'), args: FLAGS });
}

function listen(page) {
  const noise = [];
  page.on('console', (message) => {
    // A form that is refused is shown again with the status of the refusal, which Chromium calls an error.
    const refused = /status of 4(01|03|22)/.test(message.text());
    // A page that is left before its socket has opened; the next page opens its own.
    const left = message.text().includes('WebSocket is closed before the connection is established');
    if (['error', 'warning'].includes(message.type()) && !refused && !left) noise.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => noise.push(`${page.url()}: ${error}`));
  return noise;
}

// Makes the first admin, who is signed in then.
async function signUp(page) {
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
    await signIn(page, admin);
  }
  await page.waitForURL((url) => url.pathname === '/');
}

async function signIn(page, { name, password }) {
  if (new URL(page.url()).pathname !== '/login') await page.goto(`${base}/login`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((url) => url.pathname === '/');
}

// A picture for the docs, and the checks that every page must pass.
async function keep(page, name) {
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: name.endsWith('-whole') });
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  if (violations.length > 0) {
    const told = violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.map((node) => node.html).join(' | ')}`);
    throw new Error(`${name} (${page.url()}) is not accessible:\n${told.join('\n')}`);
  }
}

// A page must not scroll sideways.
async function fits(page) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) throw new Error(`${page.url()} is ${overflow} px too wide`);
}

// Runs a test and tells how it failed.
function check(test) {
  test().catch((error) => {
    process.stderr.write(`${error.stack ?? error}\n`);
    process.exitCode = 1;
  });
}

module.exports = { admin, base, check, env, fits, keep, launch, listen, say, signIn, signUp };
