// Files and batches by OpenAI's SDK for JavaScript.

import OpenAI, { toFile } from "openai";

import { MODEL, QUESTION, TOKEN, URL_GIVEN, all, errorOf, run } from "./flows.mjs";

const ENDPOINT = "/v1/chat/completions";

const client = new OpenAI({ apiKey: TOKEN, baseURL: `${URL_GIVEN}/v1` });
const upload = async (content, name, purpose) => client.files.create({ file: await toFile(content, name), purpose });
const line = (customId, more = {}) =>
  JSON.stringify({
    custom_id: customId, method: "POST", url: ENDPOINT,
    body: { model: MODEL, messages: [{ role: "user", content: QUESTION }], ...more },
  });
const linesOf = async (id) => {
  const text = await (await client.files.content(id)).text();
  return text.trim().split("\n").map((each) => JSON.parse(each));
};

await run({
  async file() {
    const made = await upload(Buffer.from("a text"), "notes.txt", "user_data");
    const found = await client.files.retrieve(made.id);
    const listed = await all(client.files.list({ limit: 2 }));
    const content = [{ type: "file", file: { file_id: made.id } }, { type: "text", text: QUESTION }];
    const answer = await client.chat.completions.create({ model: MODEL, messages: [{ role: "user", content }] });
    const deleted = await client.files.delete(made.id);
    return {
      made, same: JSON.stringify(found) === JSON.stringify(made), listed: listed.map((each) => each.id),
      answer: answer.choices[0].message.content, deleted, afterwards: await errorOf(() => client.files.retrieve(made.id)),
    };
  },

  async large() {
    const made = await upload(Buffer.alloc(20_000_000, 7), "film.mp4", "vision");
    return { bytes: made.bytes, purpose: made.purpose };
  },

  async batch() {
    const input = await upload(Buffer.from([line("1"), line("2", { n: 3 })].join("\n")), "batch.jsonl", "batch");
    const wish = { input_file_id: input.id, endpoint: ENDPOINT, completion_window: "24h", metadata: { title: "nightly" } };
    const made = await client.batches.create(wish);
    const done = await client.batches.retrieve(made.id);
    const listed = await all(client.batches.list({ limit: 1 }));
    return {
      made, done, listed: listed.map((each) => each.id),
      answers: await linesOf(done.output_file_id), errors: await linesOf(done.error_file_id),
    };
  },

  async badLine() {
    return errorOf(() => upload(Buffer.from(`${line("1")}\nno line\n`), "batch.jsonl", "batch"));
  },
});
