// The page's behaviour. It only ever shows text, and keeps the token in a variable: a reload forgets it.

const byId = (id) => document.getElementById(id);
let token = null;

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  await busy(byId("log-in"), async () => {
    const response = await call("POST", "/api/login", {}, Object.fromEntries(form), "a name and a password");
    if (response.status === 200) return logIn(response.json.access_token);
    forget();
    fail("Login failed", response);
  });
});

for (const person of document.querySelectorAll(".person")) {
  person.addEventListener("click", () => {
    const form = byId("login").elements;
    form.username.value = person.dataset.username;
    form.password.value = person.dataset.password;
    byId("login").requestSubmit();
  });
}

byId("log-out").addEventListener("click", () => busy(byId("log-out"), async () => {
  const response = await call("POST", "/api/logout", { Authorization: `Bearer ${token}` }, undefined, "the token");
  if (response.status !== 200) return fail("Logout failed", response);
  byId("login-failure").hidden = true;
  // A disabled button loses the focus.
  if (document.activeElement === byId("log-out")) byId("log-in").focus();
  byId("log-out").disabled = true;
  byId("session").textContent = "Logged out: the token is revoked. Call something with it to see it refused.";
  showState("revoked", "revoked");
}));

byId("calls").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const body = button.dataset.body && JSON.parse(button.dataset.body);
  const [headers, how] = credential();
  busy(button, () => call(button.dataset.method, button.dataset.path, headers, body, how, button));
});

function logIn(newToken) {
  token = newToken;
  const [head, body, signature] = token.split(".");
  byId("token").replaceChildren(
    span("head", head), ".", span("body", body), ".", span("signature", signature),
  );
  const claims = decode(body);
  byId("claims").textContent = JSON.stringify(claims, null, 2);
  byId("claims").hidden = false;
  byId("login-failure").hidden = true;
  byId("session").textContent = `Logged in as ${claims.username}, for a quarter of an hour.`;
  showState("valid", `valid until ${new Date(claims.exp * 1000).toLocaleTimeString([], { timeStyle: "short" })}`);
  byId("log-out").disabled = false;
  for (const choice of document.querySelectorAll("[name=credential]")) choice.disabled = false;
  document.querySelector("[value=token]").checked = true;
}

// Shows the page as before a login.
function forget() {
  token = null;
  byId("token").replaceChildren(span("hint", "Log in to get a token."));
  byId("claims").textContent = "";
  byId("claims").hidden = true;
  byId("session").textContent = "Not logged in.";
  byId("log-out").disabled = true;
  byId("token-state").hidden = true;
  delete byId("token-card").dataset.state;
  for (const value of ["token", "forged"]) {
    const choice = document.querySelector(`[value=${value}]`);
    if (choice.checked) document.querySelector("[value=none]").checked = true;
    choice.disabled = true;
  }
}

function showState(state, text) {
  byId("token-card").dataset.state = state;
  byId("token-state").textContent = text;
  byId("token-state").hidden = false;
}

function fail(what, response) {
  const reason = response.status === 0 ? "no response. Is the demo still running?" : response.json?.detail ?? response.status;
  byId("login-failure").textContent = `${what}: ${reason}`;
  byId("login-failure").hidden = false;
}

// A button does one thing at a time. It isn't disabled, which would take the focus away.
async function busy(button, work) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  try {
    await work();
  } finally {
    button.ariaBusy = null;
  }
}

function credential() {
  const chosen = document.querySelector("[name=credential]:checked");
  switch (chosen.value) {
    case "token": return [{ Authorization: `Bearer ${token}` }, "the token"];
    case "forged": return [{ Authorization: `Bearer ${tamper(token)}` }, "the token, tampered with"];
    case "key": return [{ "X-API-Key": chosen.dataset.key }, chosen.dataset.key];
    default: return [{}, "nothing"];
  }
}

// Moves to the response if it isn't on the screen and if there is a `button` to go back to.
async function call(method, path, headers, body, how, button) {
  const options = { method, headers: { ...headers } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(path, options);
    const text = await response.text();
    const json = text ? JSON.parse(text) : null;
    reveal(show(method, path, how, response, json), button);
    return { status: response.status, json };
  } catch (error) {
    const failed = { status: 0, statusText: "no response", headers: new Headers() };
    reveal(show(method, path, how, failed, { detail: String(error) }), button);
    return { status: 0, json: null };
  }
}

function show(method, path, how, response, json) {
  const item = document.createElement("li");
  item.className = `response ${mood(response.status)}`;
  const line = document.createElement("div");
  line.append(
    span("status", `${response.status} ${response.statusText}`), " ", element("code", "", `${method} ${path}`),
    span("how", ` with ${how}`),
  );
  const challenge = response.headers.get("WWW-Authenticate");
  const lines = challenge ? `WWW-Authenticate: ${challenge}\n` : "";
  item.append(line, element("pre", "", lines + JSON.stringify(shortened(json), null, 2)));
  const responses = byId("responses");
  responses.querySelector(".hint")?.remove();
  responses.prepend(item);
  while (responses.children.length > 12) responses.lastChild.remove();
  responses.parentElement.scrollTop = 0;
  return item;
}

function reveal(item, button) {
  const { top } = item.getBoundingClientRect();
  if (!button || (top >= 0 && top < innerHeight - 80)) return;
  const back = element("button", "back", "Back");
  back.type = "button";
  back.addEventListener("click", () => {
    const target = button.isConnected ? button : byId("sessions-title");
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "center" });
  });
  item.append(back);
  item.tabIndex = -1;
  item.focus({ preventScroll: true });
  item.scrollIntoView({ block: "start" });
}

function mood(status) {
  if (status >= 200 && status < 300) return "good";
  return status === 401 || status === 403 ? "bad" : "warn";
}

function shortened(json) {
  const long = json?.access_token;
  return long ? { ...json, access_token: `${long.slice(0, 24)}…` } : json;
}

function tamper(text) {
  const [head, body, signature] = text.split(".");
  return [head, body, (signature[0] === "A" ? "B" : "A") + signature.slice(1)].join(".");
}

function decode(segment) {
  const bytes = Uint8Array.from(atob(segment.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function span(className, text) {
  return element("span", className, text);
}
