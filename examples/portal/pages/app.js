// A front end that knows nothing but the JSON API. The browser attaches the
// session's cookie by itself, and scripts cannot read it.
"use strict";

const $ = (id) => document.getElementById(id);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const draft = "report-draft"; // what was typed, while signing in again
const tries = 4;

// say tells what is going on, and warn what went wrong. With again there is a
// button to try once more.
function say(text) {
  $("said").textContent = text;
  $("said").hidden = text === "";
}

function warn(text, again) {
  $("why").textContent = text;
  $("wrong").hidden = text === "";
  $("retry").hidden = !again;
  $("retry").onclick = again || null;
}

// ask calls the API. It returns undefined where the answer is dealt with: the
// session has ended, the account may not, or the service does not answer.
async function ask(method, path, body) {
  const request = { method, headers: { Accept: "application/json" } };
  if (body) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const again = method === "POST" ? () => $("new").requestSubmit() : load;
  for (let n = 1; ; n++) {
    let response;
    try {
      response = await fetch(path, request);
    } catch {
      warn("The portal cannot be reached.", again);
      return;
    }
    switch (response.status) {
      case 401: // the session has ended: sign in and come back
        sessionStorage.setItem(draft, $("title").value);
        location.assign("/login?next=" + encodeURIComponent(location.pathname));
        return;
      case 403: { // the challenge says which scope it takes
        const needed = /scope="([^"]*)"/.exec(response.headers.get("WWW-Authenticate") || "");
        warn(needed
          ? "Your account may not do this: it lacks the permission " + needed[1] + "."
          : "Your account may not do this.");
        return;
      }
      case 503: { // it was not done, so it can be asked again
        if (n === tries) {
          say("");
          warn("The service does not answer at the moment.", again);
          return;
        }
        const seconds = Number(response.headers.get("Retry-After")) || 1;
        say(`The service does not answer. Trying again, ${n} of ${tries - 1}…`);
        await wait(Math.min(seconds, 5) * 1000);
        continue;
      }
    }
    say("");
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
      warn(answer.detail || "That did not work.");
      return;
    }
    return answer;
  }
}

function line(report) {
  const item = document.createElement("li");
  const title = document.createElement("strong");
  title.textContent = report.title;
  title.dir = "auto";
  const by = document.createElement("span");
  by.className = "hint";
  by.textContent = `by ${report.author}, ${new Date(report.created_at).toLocaleString()}`;
  item.append(title, by);
  return item;
}

async function load() {
  warn("");
  const answer = await ask("GET", "/api/reports");
  $("list").setAttribute("aria-busy", "false");
  if (!answer) return;
  $("list").replaceChildren(...answer.reports.reverse().map(line));
  $("empty").hidden = answer.reports.length > 0;
  $("count").textContent = answer.reports.length ? `${answer.reports.length} in all` : "";
}

$("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  warn("");
  const report = await ask("POST", "/api/reports", { title: $("title").value });
  if (!report) return; // what was typed stays
  $("title").value = "";
  await load();
  say(`“${report.title}” is added.`);
  $("title").focus();
});

$("title").value = sessionStorage.getItem(draft) || "";
sessionStorage.removeItem(draft);
load();
