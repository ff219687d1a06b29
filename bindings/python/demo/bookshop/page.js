// The page's behaviour. It only ever shows text, and keeps the token in a variable: a reload forgets it.

const byId = (id) => document.getElementById(id);
let token = null;

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const response = await call("POST", "/api/login", {}, Object.fromEntries(form), "a name and a password");
  if (response.status === 200) logIn(response.json.access_token);
});

for (const person of document.querySelectorAll(".person")) {
  person.addEventListener("click", () => {
    const form = byId("login").elements;
    form.username.value = person.dataset.username;
    form.password.value = person.dataset.password;
    byId("login").requestSubmit();
  });
}

byId("log-out").addEventListener("click", async () => {
  const response = await call("POST", "/api/logout", { Authorization: `Bearer ${token}` }, undefined, "the token");
  if (response.status !== 200) return;
  byId("log-out").disabled = true;
  byId("session").textContent = "Logged out: the token is revoked. Call something with it to see it refused.";
});

byId("calls").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const body = button.dataset.body && JSON.parse(button.dataset.body);
  const [headers, how] = credential();
  call(button.dataset.method, button.dataset.path, headers, body, how);
});

function logIn(newToken) {
  token = newToken;
  const [head, body, signature] = token.split(".");
  byId("token").replaceChildren(
    span("head", head), ".", span("body", body), ".", span("signature", signature),
  );
  byId("claims").textContent = JSON.stringify(decode(body), null, 2);
  byId("claims").hidden = false;
  byId("session").textContent = `Logged in as ${decode(body).username}, for a quarter of an hour.`;
  byId("log-out").disabled = false;
  for (const choice of document.querySelectorAll("[name=credential]")) choice.disabled = false;
  document.querySelector("[value=token]").checked = true;
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

async function call(method, path, headers, body, how) {
  const options = { method, headers: { ...headers } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(path, options);
    const text = await response.text();
    const json = text ? JSON.parse(text) : null;
    show(method, path, how, response, json);
    return { status: response.status, json };
  } catch (error) {
    show(method, path, how, { status: 0, statusText: "no response", headers: new Headers() }, { detail: String(error) });
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
