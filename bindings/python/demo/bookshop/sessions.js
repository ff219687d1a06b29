// A session whose tokens are in cookies that scripts can't read, shared by all tabs of the browser.

// A change needs Django's CSRF token, which only pages of this site can read.
function csrfToken() {
  return document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="))?.slice("csrftoken=".length) ?? "";
}

function send(method, path, body, button) {
  const headers = method === "GET" ? {} : { "X-CSRFToken": csrfToken() };
  return call(method, path, headers, body, "cookies", button);
}

// At most one refresh at a time, in all tabs that support locks. Without them, the grace of the server is sufficient.
function refresh(button) {
  const exchange = () => send("POST", "/auth/token/refresh", undefined, button);
  return navigator.locks ? navigator.locks.request("refresh", exchange) : exchange();
}

async function sendFresh(method, path, body, button) {
  const response = await send(method, path, body, button);
  if (response.status !== 401) return response;
  return (await refresh(button)).status === 200 ? send(method, path, body, button) : response;
}

for (const button of document.querySelectorAll("[data-begin]")) {
  button.addEventListener("click", () => busy(button, async () => {
    const credentials = { username: button.dataset.begin, password: button.dataset.password };
    await send("POST", "/auth/token", credentials, button);
    await showDevices();
  }));
}

for (const button of document.querySelectorAll("[data-session]")) {
  button.addEventListener("click", () => busy(button, async () => {
    const [method, path] = button.dataset.session.split(" ");
    await sendFresh(method, path, button.dataset.body && JSON.parse(button.dataset.body), button);
    if (path.startsWith("/auth/")) await showDevices();
  }));
}

byId("refresh-twice").addEventListener("click", () => busy(byId("refresh-twice"), async () => {
  const exchange = () => send("POST", "/auth/token/refresh", undefined, byId("refresh-twice"));
  await Promise.all([exchange(), exchange()]);
  await showDevices();
}));

async function showDevices() {
  const response = await fetch("/auth/sessions");
  const devices = response.ok ? (await response.json()).sessions : [];
  const current = devices.find((device) => device.current);
  byId("device").textContent = current ? `Session ${current.id}, which expires ${local(current.expires_at)}.` : "No session.";
  byId("devices").replaceChildren(...devices.map(shownDevice));
}

function shownDevice(device) {
  const item = document.createElement("li");
  item.dataset.id = device.id;
  const about = document.createElement("div");
  about.append(
    element("strong", "", device.current ? "This browser" : `Session ${device.id}`),
    span("", `${device.ip_address}, last used ${local(device.last_used_at)}`), span("", device.user_agent),
  );
  const end = element("button", "end", "End");
  end.type = "button";
  end.addEventListener("click", () => busy(end, async () => {
    await sendFresh("DELETE", `/auth/sessions/${device.id}`, undefined, end);
    await showDevices();
    // The button, which had the focus, is gone.
    if (document.activeElement === document.body) byId("sessions-title").focus();
  }));
  item.append(about, end);
  return item;
}

function local(date) {
  return new Date(date).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

showDevices();
