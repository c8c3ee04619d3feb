// Passkeys: asks the browser, puts its answer into the form around the button, and sends the form.

const decode = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export function passkeyButtons() {
  for (const button of document.querySelectorAll("[data-passkey]")) {
    if (window.PublicKeyCredential) button.addEventListener("click", () => ask(button));
    else tell(button, "This browser knows no passkeys here; they need HTTPS.");
  }
}

async function ask(button) {
  if (!button.form.reportValidity()) return;
  button.disabled = true;
  try {
    const request = button.dataset.request ? JSON.parse(button.dataset.request) : await fresh(button.dataset.from);
    const answer = button.dataset.passkey === "create" ? await create(request) : await use(request);
    button.form.elements.passkey.value = JSON.stringify({ challenge: request.challenge, ...answer });
    button.form.submit();
  } catch (error) {
    tell(button, error.name === "InvalidStateError" ? "This authenticator has a passkey of yours already." : "No passkey was used. Try again, or take another way.");
    button.disabled = false;
  }
}

function tell(button, text) {
  button.form.querySelector("[data-passkey-said]").textContent = text;
}

// A challenge is good for five minutes, and a page may stay open for longer: it is asked for when it is needed.
async function fresh(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  const body = await answer.json();
  return body.passkey ?? body;
}

async function create(offer) {
  const { response } = await navigator.credentials.create({
    publicKey: {
      challenge: decode(offer.challenge),
      rp: { id: offer.party, name: "restic-manager" },
      user: { id: decode(offer.user), name: offer.name, displayName: offer.name },
      pubKeyCredParams: offer.algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: offer.known.map((id) => ({ type: "public-key", id: decode(id) })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
    },
  });
  return { client_data: encode(response.clientDataJSON), authenticator_data: encode(response.getAuthenticatorData()) };
}

async function use(request) {
  const { rawId, response } = await navigator.credentials.get({
    publicKey: {
      challenge: decode(request.challenge),
      rpId: request.party,
      allowCredentials: request.credentials.map((id) => ({ type: "public-key", id: decode(id) })),
      userVerification: request.verify_owner ? "required" : "preferred",
    },
  });
  return {
    credential: encode(rawId),
    client_data: encode(response.clientDataJSON),
    authenticator_data: encode(response.authenticatorData),
    signature: encode(response.signature),
    user: response.userHandle ? encode(response.userHandle) : null,
  };
}
