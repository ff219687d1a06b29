// A session whose tokens are in cookies that scripts can't read, shared by all tabs of the browser.

// A change needs Django's CSRF token, which only pages of this site can read.
function csrfToken() {
  return document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="))?.slice("csrftoken=".length) ?? "";
}

function send(method, path, body) {
  const headers = method === "GET" ? {} : { "X-CSRFToken": csrfToken() };
  return call(method, path, headers, body, "cookies");
}

// At most one refresh at a time, in all tabs that support locks. Without them, the grace of the server is sufficient.
function refresh() {
  const exchange = () => send("POST", "/auth/token/refresh");
  return navigator.locks ? navigator.locks.request("refresh", exchange) : exchange();
}

async function sendFresh(method, path, body) {
  const response = await send(method, path, body);
  if (response.status !== 401) return response;
  return (await refresh()).status === 200 ? send(method, path, body) : response;
}

for (const button of document.querySelectorAll("[data-begin]")) {
  button.addEventListener("click", async () => {
    await send("POST", "/auth/token", { username: button.dataset.begin, password: button.dataset.password });
    await showDevices();
  });
}

for (const button of document.querySelectorAll("[data-session]")) {
  button.addEventListener("click", async () => {
    const [method, path] = button.dataset.session.split(" ");
    await sendFresh(method, path, button.dataset.body && JSON.parse(button.dataset.body));
    if (path.startsWith("/auth/")) await showDevices();
  });
}

byId("refresh-twice").addEventListener("click", async () => {
  await Promise.all([send("POST", "/auth/token/refresh"), send("POST", "/auth/token/refresh")]);
  await showDevices();
});

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
  end.addEventListener("click", async () => {
    await sendFresh("DELETE", `/auth/sessions/${device.id}`);
    await showDevices();
  });
  item.append(about, end);
  return item;
}

function local(date) {
  return new Date(date).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}

showDevices();
