// Sends a trial as a client would: from this browser to the gateway's own route, and shows it as it comes.
const form = document.getElementById("trial");
const part = (id) => document.getElementById(id);
const words = part("answer").dataset;
const tokens = new Map();
let running = null;

const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);

async function ask() {
  const fields = new URLSearchParams(new FormData(form));
  if (tokens.has(fields.get("token"))) fields.set("known", "1");
  const answer = await fetch("/playground/call", { method: "POST", body: fields });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const call = await answer.json();
  if (call.token) tokens.set(fields.get("token"), call.token);
  return { ...call, token: tokens.get(fields.get("token")) };
}

// Both dialects' answers and events as {text, thought, usage}.
function read(event) {
  const openai = event.choices?.[0];
  const said = openai?.delta ?? openai?.message;
  const parts = event.candidates?.[0]?.content?.parts ?? [];
  const join = (thought) => parts.filter((each) => Boolean(each.thought) === thought).map((each) => each.text ?? "").join("");
  const usage = event.usage ?? event.usageMetadata;
  return {
    text: (said?.content ?? "") + join(false),
    thought: (said?.reasoning_content ?? "") + join(true),
    usage: usage && {
      input: usage.prompt_tokens ?? usage.promptTokenCount ?? 0,
      output: usage.completion_tokens ?? (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
    },
    error: event.error,
  };
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

function show(state, failed = false) {
  part("state").textContent = words[state];
  part("text").classList.toggle("failed", failed);
  part("send").disabled = state === "waiting" || state === "streaming";
  part("stop").hidden = !part("send").disabled;
}

function clear() {
  for (const id of ["headers-ms", "first-ms", "whole-ms", "usage", "speed"]) part(id).textContent = "–";
  for (const id of ["text", "thoughts"]) part(id).textContent = "";
  part("thoughts").hidden = part("trace").hidden = true;
}

async function send() {
  running = new AbortController();
  clear();
  show("waiting");
  part("answer").scrollIntoView({ block: "nearest" });
  const call = await ask();
  const began = performance.now();
  const since = () => performance.now() - began;
  const answer = await fetch(call.path, {
    method: "POST",
    headers: { Authorization: `Bearer ${call.token}`, "Content-Type": "application/json" },
    body: JSON.stringify(call.body),
    signal: running.signal,
  });
  part("headers-ms").textContent = seconds(since());
  await trace(answer.headers.get("x-gateway-request-id"), async () => {
    let first = 0;
    let usage = null;
    const take = (event) => {
      const piece = read(event);
      if (piece.error) throw new Error(piece.error.message);
      if ((piece.text || piece.thought) && !first) {
        first = since();
        part("first-ms").textContent = seconds(first);
        show("streaming");
      }
      part("text").append(piece.text);
      part("thoughts").append(piece.thought);
      part("thoughts").hidden = !part("thoughts").textContent;
      usage = piece.usage ?? usage;
    };
    if (answer.ok && call.stream) for await (const event of events(answer.body)) take(event);
    else take([await answer.json()].flat()[0]);
    part("whole-ms").textContent = seconds(since());
    if (!usage) return;
    part("usage").textContent = `${usage.input} · ${usage.output}`;
    const streamed = since() - (call.stream ? first : 0);
    if (usage.output && streamed > 0) part("speed").textContent = (usage.output / (streamed / 1000)).toFixed(1);
  });
}

// What is read of an answer, and then what the gateway recorded of the call, also when reading failed.
async function trace(requestId, reading) {
  try {
    await reading();
    show("done");
  } catch (error) {
    fail(error);
  }
  running = null;
  if (!requestId) return;
  part("trace").hidden = false;
  htmx.ajax("GET", `/playground/trace/${encodeURIComponent(requestId)}`, { target: "#trace", swap: "innerMorph" });
}

function fail(error) {
  if (error.name === "AbortError") return show("stopped");
  part("text").append(error instanceof TypeError ? words.unreachable : error.message);
  show("failed", true);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!running) send().catch((error) => {
    running = null;
    fail(error);
  });
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
part("stop").addEventListener("click", () => running?.abort());
