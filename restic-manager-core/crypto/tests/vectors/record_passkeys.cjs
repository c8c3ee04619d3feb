'use strict';
// Records what Chromium's virtual authenticator answers, for the vectors of the passkey tests.
const http = require('node:http');
const { chromium } = require('playwright-core');
(async () => {
  const server = http.createServer((_, res) => { res.setHeader('content-type', 'text/html'); res.end('<!doctype html><title>x</title>'); });
  await new Promise((ok) => server.listen(8765, '127.0.0.1', ok));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--headless=new', '--no-sandbox', '--disable-gpu'] });
  const page = await (await browser.newContext()).newPage();
  await page.goto('http://localhost:8765/');
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  const out = [];
  for (const alg of [-7, -8, -257]) {
    try {
      out.push(await page.evaluate(async (alg) => {
        const enc = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll('+','-').replaceAll('/','_').replaceAll('=','');
        const challenge = new Uint8Array(32).fill(7);
        const made = await navigator.credentials.create({ publicKey: { challenge, rp: { id: 'localhost', name: 'x' }, user: { id: new Uint8Array(16).fill(1), name: 'ada', displayName: 'ada' }, pubKeyCredParams: [{ type: 'public-key', alg }], authenticatorSelection: { residentKey: 'required', userVerification: 'required' }, attestation: 'none' } });
        const uses = [];
        for (const fill of [8, 9]) {
          const got = await navigator.credentials.get({ publicKey: { challenge: new Uint8Array(32).fill(fill), rpId: 'localhost', allowCredentials: [{ type: 'public-key', id: made.rawId }], userVerification: 'required' } });
          uses.push({ client_data: enc(got.response.clientDataJSON), authenticator_data: enc(got.response.authenticatorData), signature: enc(got.response.signature) });
        }
        return { alg, credential: enc(made.rawId), client_data: enc(made.response.clientDataJSON), authenticator_data: enc(made.response.getAuthenticatorData()), uses };
      }, alg));
    } catch (error) { console.error(alg, String(error)); }
  }
  console.log(JSON.stringify({ browser: await browser.version(), party: 'localhost', origin: 'http://localhost:8765', vectors: out }, null, 1));
  await browser.close(); server.close();
})();
