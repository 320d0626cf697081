// What lives in one Google project, by Google's SDK for JavaScript: files, caches, batches, stores, interactions.

import { GoogleGenAI, createPartFromUri, createUserContent } from "@google/genai";

import { MODEL, QUESTION, TOKEN, URL_GIVEN, all, errorOf, run } from "./flows.mjs";

const clientAt = (path, more = {}) => new GoogleGenAI({ apiKey: TOKEN, httpOptions: { baseUrl: URL_GIVEN + path, ...more } });
const ai = clientAt("/gemini/v1beta");
const notes = (text) => new Blob([text], { type: "text/plain" });
const upload = (client, blob, displayName = "notes") =>
  client.files.upload({ file: blob, config: { mimeType: "text/plain", displayName } });
const names = async (pager) => (await all(pager)).map((each) => each.name);

await run({
  async file() {
    const file = await upload(ai, notes("hello"));
    const contents = createUserContent([createPartFromUri(file.uri, file.mimeType), "What is in this file?"]);
    const answers = [];
    // As often as there are keys: each call must find the file's own.
    for (let turn = 0; turn < 4; turn += 1) {
      answers.push((await ai.models.generateContent({ model: MODEL, contents })).text);
    }
    const found = await ai.files.get({ name: file.name });
    const listed = await names(await ai.files.list({ config: { pageSize: 2 } }));
    await ai.files.delete({ name: file.name });
    return {
      answers, size: found.sizeBytes, displayName: found.displayName, state: file.state,
      isListed: listed.includes(file.name),
      afterwards: await errorOf(() => ai.files.get({ name: file.name })),
    };
  },

  async fileOfManyChunks() {
    const text = "0123456789abcdef".repeat(600_000);
    return (await upload(ai, notes(text), "long")).sizeBytes;
  },

  async fileOnEveryBase() {
    const sizes = {};
    for (const path of ["", "/", "/gemini", "/gemini/v1beta", "/v1beta"]) {
      for (const apiVersion of [undefined, "v1"]) {
        const file = await upload(clientAt(path, apiVersion ? { apiVersion } : {}), notes("hello"));
        sizes[`${path} ${apiVersion ?? ""}`] = file.sizeBytes;
      }
    }
    return sizes;
  },

  async cache() {
    const contents = createUserContent("A long text to talk about.");
    const cache = await ai.caches.create({ model: MODEL, config: { contents, ttl: "60s", displayName: "c" } });
    const answers = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const answer = await ai.models.generateContent({
        model: MODEL, contents: QUESTION, config: { cachedContent: cache.name },
      });
      answers.push(answer.text);
    }
    const later = await ai.caches.update({ name: cache.name, config: { ttl: "7200s" } });
    const listed = await names(await ai.caches.list());
    await ai.caches.delete({ name: cache.name });
    return {
      answers, isLater: later.expireTime > cache.expireTime, isListed: listed.includes(cache.name),
      afterwards: await errorOf(() => ai.caches.get({ name: cache.name })),
    };
  },

  async batch() {
    const src = ["one", "two"].map((text) => ({ contents: [{ role: "user", parts: [{ text }] }] }));
    const job = await ai.batches.create({ model: MODEL, src, config: { displayName: "b" } });
    const done = await ai.batches.get({ name: job.name });
    const listed = await names(await ai.batches.list());
    await ai.batches.delete({ name: job.name });
    return {
      begun: job.state, state: done.state, isListed: listed.includes(job.name),
      answers: done.dest.inlinedResponses.map((each) => each.response.candidates[0].content.parts[0].text),
    };
  },

  async batchOfFile() {
    const line = JSON.stringify({ key: "a", request: { contents: [{ parts: [{ text: "one" }] }] } });
    const file = await upload(ai, notes(`${line}\n`));
    const job = await ai.batches.create({ model: MODEL, src: { fileName: file.name } });
    const done = await ai.batches.get({ name: job.name });
    const path = `/tmp/batch-${process.pid}.jsonl`;
    await ai.files.download({ file: done.dest.fileName, downloadPath: path });
    const { readFile, rm } = await import("node:fs/promises");
    // The SDK does not wait for its stream to reach the file.
    let text = "";
    for (let turn = 0; turn < 50 && !text; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      text = await readFile(path, "utf8").catch(() => "");
    }
    await rm(path, { force: true });
    return JSON.parse(text).key;
  },

  async cancelledBatch() {
    const src = [{ contents: [{ role: "user", parts: [{ text: "one" }] }] }];
    const job = await ai.batches.create({ model: MODEL, src });
    await ai.batches.cancel({ name: job.name });
    return (await ai.batches.get({ name: job.name })).state;
  },

  async store() {
    const store = await ai.fileSearchStores.create({ config: { displayName: "s" } });
    const operation = await ai.fileSearchStores.uploadToFileSearchStore({
      fileSearchStoreName: store.name, file: notes("hello"), config: { mimeType: "text/plain", displayName: "doc" },
    });
    const done = await ai.operations.get({ operation });
    const documents = await names(await ai.fileSearchStores.documents.list({ parent: store.name }));
    const isListed = (await names(await ai.fileSearchStores.list())).includes(store.name);
    await ai.fileSearchStores.delete({ name: store.name, config: { force: true } });
    return { isDone: done.done, documents: documents.length, isListed };
  },

  async interaction() {
    const first = await ai.interactions.create({ model: MODEL, input: QUESTION });
    const answers = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const next = await ai.interactions.create({ model: MODEL, input: "And then?", previous_interaction_id: first.id });
      answers.push(next.output_text ?? next.steps[0].content[0].text);
    }
    const found = await ai.interactions.get(first.id);
    return { status: first.status, text: first.steps[0].content[0].text, answers, found: found.id === first.id };
  },

  async streamedInteraction() {
    const events = await all(await ai.interactions.create({ model: MODEL, input: QUESTION, stream: true }));
    return {
      kinds: [...new Set(events.map((event) => event.event_type))],
      text: events.map((event) => event.delta?.text ?? "").join(""),
    };
  },

  async liveToken() {
    const client = clientAt("", { apiVersion: "v1alpha" });
    return (await client.authTokens.create({ config: { uses: 1 } })).name;
  },

  async errors() {
    return {
      file: await errorOf(() => ai.files.get({ name: "files/nobody-s" })),
      interaction: await errorOf(() => ai.interactions.create({ model: "gemini-9-nowhere", input: "hi" })),
    };
  },
});
