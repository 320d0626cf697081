// Vectors, pictures, sound, old completions, files and batches by OpenAI's SDK for JavaScript.

import OpenAI, { toFile } from "openai";

import { EMBEDDING_MODEL, MODEL, QUESTION, TOKEN, URL_GIVEN, all, errorOf, run } from "./flows.mjs";

const PAINTER = "gemini-3.1-flash-image";
const SPEAKER = "gemini-2.5-flash-preview-tts";

const client = new OpenAI({ apiKey: TOKEN, baseURL: `${URL_GIVEN}/v1` });
const bytesOf = (picture) => Buffer.from(picture.b64_json, "base64");
const isPng = (bytes) => bytes.subarray(1, 4).toString() === "PNG";
const speak = async (fields) => {
  const response = await client.audio.speech.create({ model: SPEAKER, voice: "alloy", input: "Hello there.", ...fields });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { type: response.headers.get("content-type"), bytes };
};

let kitten = Buffer.alloc(0);
let spoken = Buffer.alloc(0);

await run({
  async vectors() {
    const packed = await client.embeddings.create({ model: EMBEDDING_MODEL, input: "one" });
    const plain = await client.embeddings.create({ model: EMBEDDING_MODEL, input: "one", encoding_format: "float" });
    const small = await client.embeddings.create({ model: EMBEDDING_MODEL, input: ["one", "two"], dimensions: 256 });
    const [first] = packed.data;
    const furthest = Math.max(...first.embedding.map((value, at) => Math.abs(value - plain.data[0].embedding[at])));
    return {
      lengths: [first.embedding.length, ...small.data.map((entry) => entry.embedding.length)],
      norm: Math.hypot(...small.data[1].embedding), furthest, usage: packed.usage,
    };
  },

  async painted() {
    const painted = await client.images.generate({ model: PAINTER, prompt: "A kitten", size: "1024x1536", n: 2 });
    kitten = bytesOf(painted.data[0]);
    const byUrl = await client.images.generate({ prompt: "A kitten", response_format: "url" });
    return { pngs: painted.data.map((each) => isPng(bytesOf(each))), url: byUrl.data[0].url.slice(0, 22) };
  },

  async edited() {
    const image = await toFile(kitten, "kitten.png", { type: "image/png" });
    const one = await client.images.edit({ model: PAINTER, image, prompt: "A hat" });
    const several = await client.images.edit({ model: PAINTER, image: [image, image], prompt: "Side by side", n: 2 });
    return [...one.data, ...several.data].map((each) => isPng(bytesOf(each)));
  },

  async paintedInChat() {
    const answer = await client.chat.completions.create({
      model: PAINTER, messages: [{ role: "user", content: "Paint a kitten" }],
    });
    return answer.choices[0].message.content.slice(0, 200);
  },

  async speech() {
    const found = {};
    for (const response_format of ["wav", "pcm", "mp3", "opus", "aac", "flac"]) {
      const { type, bytes } = await speak({ response_format });
      found[response_format] = { type, bytes: bytes.length };
      if (response_format === "wav") spoken = bytes;
    }
    return found;
  },

  async transcription() {
    const file = await toFile(spoken, "hello.wav", { type: "audio/wav" });
    const heard = await client.audio.transcriptions.create({ model: MODEL, file });
    const text = await client.audio.transcriptions.create({ model: MODEL, file, response_format: "text" });
    return { heard: heard.text, text };
  },

  async completion() {
    const whole = await client.completions.create({ model: MODEL, prompt: QUESTION });
    const chunks = await all(await client.completions.create({ model: MODEL, prompt: QUESTION, stream: true }));
    return {
      object: whole.object, text: whole.choices[0].text,
      streamed: chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""),
    };
  },

  async file() {
    const made = await client.files.create({ file: await toFile(Buffer.from("hello"), "notes.txt"), purpose: "user_data" });
    const content = [{ type: "file", file: { file_id: made.id } }, { type: "text", text: "What is in this file?" }];
    const answers = [];
    // As often as there are keys: each call must find the file's own.
    for (let turn = 0; turn < 4; turn += 1) {
      const answer = await client.chat.completions.create({ model: MODEL, messages: [{ role: "user", content }] });
      answers.push(answer.choices[0].message.content);
    }
    const found = await client.files.retrieve(made.id);
    const listed = (await all(client.files.list())).map((each) => each.id);
    const { deleted } = await client.files.delete(made.id);
    return {
      answers, name: found.filename, bytes: found.bytes, isListed: listed.includes(made.id), deleted,
      afterwards: await errorOf(() => client.files.retrieve(made.id)),
    };
  },

  async batch() {
    const lines = ["one", "two"].map((text) => JSON.stringify({
      custom_id: text, method: "POST", url: "/v1/chat/completions",
      body: { model: MODEL, messages: [{ role: "user", content: text }] },
    }));
    const file = await client.files.create({ file: await toFile(Buffer.from(lines.join("\n")), "b.jsonl"), purpose: "batch" });
    const batch = await client.batches.create({
      input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h",
    });
    const done = await client.batches.retrieve(batch.id);
    const output = await (await client.files.content(done.output_file_id)).text();
    const listed = (await all(client.batches.list())).map((each) => each.id);
    return {
      begun: batch.status, status: done.status, counts: done.request_counts, isListed: listed.includes(batch.id),
      answers: output.trim().split("\n").map((line) => JSON.parse(line)).map((each) => [
        each.custom_id, each.response.body.choices[0].message.content,
      ]),
    };
  },

  async errors() {
    return {
      tokenIds: await errorOf(() => client.embeddings.create({ model: EMBEDDING_MODEL, input: [[1, 2], [3]] })),
      moderation: await errorOf(() => client.moderations.create({ input: "hi" })),
      voice: await errorOf(() => speak({ response_format: "midi" })),
    };
  },
});
