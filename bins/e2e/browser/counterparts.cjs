// What takes notifications in the end-to-end tests: a receiver of webhooks that verifies them with the reference library of
// Standard Webhooks, and mail servers with TLS from the first byte and after STARTTLS. It says what it took.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const { SMTPServer } = require("smtp-server");
const { Webhook } = require("standardwebhooks");

const { KEY, CERTIFICATE, WEBHOOK_SECRET, MAIL_USER, MAIL_PASSWORD } = process.env;
const webhook = new Webhook(WEBHOOK_SECRET);
const say = (line) => console.log(line);

const receiver = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    try {
      const body = webhook.verify(Buffer.concat(parts).toString("utf8"), request.headers);
      say(`HOOK ${request.headers["webhook-id"]} ${body.type} ${JSON.stringify(body.data.title)}`);
      response.writeHead(204).end();
    } catch (error) {
      say(`HOOK refused: ${error.message}`);
      response.writeHead(400).end();
    }
  });
});
receiver.listen(0, "127.0.0.1", () => say(`WEBHOOKS AT ${receiver.address().port}`));

function mailServer(name, secure) {
  const server = new SMTPServer({
    secure,
    key: fs.readFileSync(KEY),
    cert: fs.readFileSync(CERTIFICATE),
    disabledCommands: secure ? ["STARTTLS"] : [],
    onAuth: ({ username, password }, session, done) => {
      const fits = session.secure && username === MAIL_USER && password === MAIL_PASSWORD;
      done(fits ? null : new Error("wrong user or password"), fits ? { user: username } : undefined);
    },
    onData: (stream, session, done) => {
      const parts = [];
      stream.on("data", (part) => parts.push(part));
      stream.on("end", () => {
        const mail = Buffer.concat(parts).toString("utf8");
        const header = (wanted) => (mail.match(new RegExp(`^${wanted}: (.*)$`, "im")) || ["", "none"])[1].trim();
        const to = session.envelope.rcptTo.map(({ address }) => address).join(",");
        say(`MAIL ${name} secure=${session.secure} user=${session.user} to=${to} id=${header("Message-ID")} auto=${header("Auto-Submitted")} subject=${header("Subject")}`);
        done();
      });
    },
  });
  server.on("error", (error) => say(`${name} trouble: ${error.message}`));
  server.listen(0, "127.0.0.1", () => say(`${name} AT ${server.server.address().port}`));
}
mailServer("SMTPS", true);
mailServer("STARTTLS", false);
