// Vercel's AI SDK, which many chat programs are built on, by its providers for OpenAI, compatible ones and Google.

import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, embedMany, generateImage, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { EMBEDDING_MODEL, NO_MODEL, QUESTION, THINKING_MODEL, TOKEN, URL_GIVEN, WEATHER_QUESTION, errorOf, run } from "./flows.mjs";

const PAINTER = "gemini-3.1-flash-image";
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

globalThis.AI_SDK_LOG_WARNINGS = false;

const openai = createOpenAI({ baseURL: `${URL_GIVEN}/v1`, apiKey: TOKEN });
const compatible = createOpenAICompatible({ name: "gateway", baseURL: `${URL_GIVEN}/v1`, apiKey: TOKEN, includeUsage: true });
const google = createGoogleGenerativeAI({ baseURL: `${URL_GIVEN}/gemini/v1beta`, apiKey: TOKEN });

const providers = {
  openai: { chat: (name) => openai.chat(name), vectors: (name) => openai.embeddingModel(name) },
  responses: { chat: (name) => openai(name), vectors: (name) => openai.embeddingModel(name) },  // what it does by itself
  compatible: { chat: (name) => compatible(name), vectors: (name) => compatible.embeddingModel(name) },
  google: { chat: (name) => google(name), vectors: (name) => google.embeddingModel(name) },
};

const tools = Object.fromEntries(["weather", "time"].map((what) => [
  `get_${what}`,
  tool({
    description: `Tells the ${what} in a city.`,
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `blue ${what} in ${typeof city}`,
  }),
]));
const shared = { maxRetries: 0 };
const looping = { ...shared, prompt: WEATHER_QUESTION, tools, stopWhen: stepCountIs(4) };

const flowsOf = (provider, { chat, vectors }) => Object.fromEntries(Object.entries({
  async whole() {
    const { text, reasoningText, usage, finishReason } = await generateText({
      ...shared, model: chat(THINKING_MODEL), prompt: QUESTION,
      providerOptions: { google: { thinkingConfig: { includeThoughts: true } } },
    });
    return { text, reasoning: reasoningText ?? "", tokens: usage.totalTokens, thoughts: usage.outputTokenDetails.reasoningTokens, finishReason };
  },

  async streamed() {
    const stream = streamText({ ...shared, model: chat(THINKING_MODEL), prompt: QUESTION });
    const pieces = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    return { text: pieces.join(""), pieces: pieces.length, tokens: (await stream.usage).totalTokens };
  },

  async loop() {
    const { text, steps } = await generateText({ ...looping, model: chat(THINKING_MODEL) });
    return { text, steps: steps.length };
  },

  async streamedLoop() {
    const stream = streamText({ ...looping, model: chat(THINKING_MODEL) });
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    return { text, steps: (await stream.steps).length };
  },

  async picture() {
    const content = [{ type: "text", text: "What is in it?" }, { type: "image", image: PNG, mediaType: "image/png" }];
    return (await generateText({ ...shared, model: chat(THINKING_MODEL), messages: [{ role: "user", content }] })).text;
  },

  async vectors() {
    const { embeddings } = await embedMany({ ...shared, model: vectors(EMBEDDING_MODEL), values: ["one", "two"] });
    return embeddings.map((each) => each.length);
  },

  async error() {
    const asked = { ...shared, model: chat(NO_MODEL), prompt: QUESTION };
    try {
      await generateText(asked);
    } catch (error) {
      return { name: error.name, status: error.statusCode, message: error.message };
    }
    return errorOf(async () => undefined);
  },
}).map(([name, flow]) => [`${provider} ${name}`, flow]));

await run({
  ...Object.assign({}, ...Object.entries(providers).map(([name, models]) => flowsOf(name, models))),

  ...Object.fromEntries([["openai", openai.chat], ["responses", openai], ["google", google]].map(([name, chat]) => [
    `${name} structured`,
    async () => (await generateText({
      ...shared, model: chat(THINKING_MODEL), prompt: "The weather in Paris?",
      output: Output.object({ schema: z.object({ city: z.string(), degrees: z.number() }) }),
    })).output,
  ])),

  "responses searched": async () => {
    const search = { web_search: openai.tools.webSearch({}) };
    return (await generateText({ ...shared, model: openai("gemini-3.5-flash"), prompt: QUESTION, tools: search })).sources.length;
  },

  async "responses conversation"() {
    const messages = [{ role: "user", content: WEATHER_QUESTION }];
    const first = await generateText({ ...looping, prompt: undefined, model: openai(THINKING_MODEL), messages });
    messages.push(...first.response.messages, { role: "user", content: WEATHER_QUESTION });
    const second = await generateText({ ...looping, prompt: undefined, model: openai(THINKING_MODEL), messages });
    return { text: second.text, steps: second.steps.length };
  },

  "openai painted": async () => (await generateImage({ ...shared, model: openai.image(PAINTER), prompt: "A kitten" })).image.mediaType,

  "google painted": async () => {
    const providerOptions = { google: { responseModalities: ["TEXT", "IMAGE"] } };
    const { files } = await generateText({ ...shared, model: google(PAINTER), prompt: "A kitten", providerOptions });
    return files[0].mediaType;
  },

  "google searched": async () => {
    const search = { google_search: google.tools.googleSearch({}) };
    return (await generateText({ ...shared, model: google("gemini-3.5-flash"), prompt: QUESTION, tools: search })).sources.length;
  },
});
