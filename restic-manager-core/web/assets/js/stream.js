// A WebSocket that comes back by itself, from 1 s to 30 s apart.
export function stream(address, { message, again }) {
  let wait = 1000;
  let opened = false;
  let done = false;
  let socket;

  function connect() {
    const url = new URL(address(), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url);
    socket.onopen = () => {
      wait = 1000;
      if (opened) again?.();
      opened = true;
    };
    socket.onmessage = (event) => message(JSON.parse(event.data), stop);
    socket.onclose = () => {
      if (done) return;
      setTimeout(connect, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, 30000);
    };
  }

  function stop() {
    done = true;
    socket.close();
  }

  addEventListener("pagehide", stop, { once: true });
  connect();
}
