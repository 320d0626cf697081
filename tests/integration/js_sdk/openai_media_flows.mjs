// Vectors, pictures, sound, old completions and files by OpenAI's SDK for JavaScript.

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

  async errors() {
    return {
      tokenIds: await errorOf(() => client.embeddings.create({ model: EMBEDDING_MODEL, input: [[1, 2], [3]] })),
      moderation: await errorOf(() => client.moderations.create({ input: "hi" })),
      voice: await errorOf(() => speak({ response_format: "midi" })),
    };
  },
});
