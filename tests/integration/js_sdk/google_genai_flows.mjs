// Google's SDK for JavaScript in Gemini's own dialect: content, chats, functions, tokens, vectors, models.

import { FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";

import {
  EMBEDDING_MODEL, MODEL, NO_MODEL, QUESTION, THINKING_MODEL, TOKEN, URL_GIVEN, WEATHER_QUESTION, WEATHER_SCHEMA, all,
  errorOf, run,
} from "./flows.mjs";

const clientAt = (path, more = {}, apiKey = TOKEN) =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: URL_GIVEN + path, ...more } });
const ai = clientAt("/gemini/v1beta");
const ask = (fields) => ai.models.generateContent({ model: MODEL, contents: QUESTION, ...fields });
const textOf = (chunks) => chunks.map((chunk) => chunk.text ?? "").join("");

const DECLARATIONS = ["weather", "time"].map((what) => ({
  name: `get_${what}`, description: `Tells the ${what} in a city.`, parametersJsonSchema: WEATHER_SCHEMA,
}));

/** A tool that the SDK calls by itself. */
const callable = {
  tool: async () => ({ functionDeclarations: DECLARATIONS }),
  callTool: async (calls) =>
    calls.map((call) => ({ functionResponse: { id: call.id, name: call.name, response: { output: `blue ${call.name}` } } })),
};

await run({
  async whole() {
    const answer = await ask();
    return { text: answer.text, model: answer.modelVersion, usage: answer.usageMetadata, id: answer.responseId };
  },

  async streamed() {
    const chunks = await all(await ai.models.generateContentStream({ model: THINKING_MODEL, contents: QUESTION }));
    const last = chunks.at(-1);
    return {
      text: textOf(chunks), pieces: chunks.length, finish: last.candidates[0].finishReason,
      thoughts: last.usageMetadata.thoughtsTokenCount,
    };
  },

  async bases() {
    const found = {};
    for (const path of ["", "/", "/gemini", "/gemini/", "/gemini/v1beta", "/gemini/v1beta/", "/v1beta"]) {
      for (const apiVersion of [undefined, "v1", "v1beta"]) {
        const client = clientAt(path, apiVersion ? { apiVersion } : {});
        const whole = await client.models.generateContent({ model: MODEL, contents: QUESTION });
        const chunks = await all(await client.models.generateContentStream({ model: MODEL, contents: QUESTION }));
        found[`${path} ${apiVersion ?? ""}`] = [whole.text, textOf(chunks)];
      }
    }
    return found;
  },

  async bearer() {
    const client = clientAt("", { headers: { Authorization: `Bearer ${TOKEN}` } }, "no-token-of-this-gateway");
    return (await client.models.generateContent({ model: MODEL, contents: QUESTION })).text;
  },

  async configured() {
    const answer = await ask({
      model: THINKING_MODEL,
      contents: [QUESTION, { inlineData: { data: "iVBORw0KGgo=", mimeType: "image/png" } }],
      config: {
        systemInstruction: "Be brief.", temperature: 0.5, maxOutputTokens: 4000, stopSequences: ["never"],
        thinkingConfig: { includeThoughts: true },
        safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      },
    });
    return answer.candidates[0].content.parts.filter((part) => part.thought).map((part) => part.text);
  },

  async search() {
    const answer = await ask({ config: { tools: [{ googleSearch: {} }] } });
    return answer.candidates[0].groundingMetadata.groundingChunks.length;
  },

  async structured() {
    const responseSchema = {
      type: Type.OBJECT, properties: { city: { type: Type.STRING }, degrees: { type: Type.NUMBER } }, required: ["city"],
    };
    const config = { responseMimeType: "application/json" };
    const old = await ask({ config: { ...config, responseSchema } });
    const standard = await ask({ config: { ...config, responseJsonSchema: WEATHER_SCHEMA } });
    return [JSON.parse(old.text), JSON.parse(standard.text)];
  },

  async functions() {
    const contents = [{ role: "user", parts: [{ text: WEATHER_QUESTION }] }];
    const config = { tools: [{ functionDeclarations: DECLARATIONS }] };
    const first = await ai.models.generateContent({ model: THINKING_MODEL, contents, config });
    const responses = await callable.callTool(first.functionCalls);
    contents.push(first.candidates[0].content, { role: "user", parts: responses });
    const second = await ai.models.generateContent({ model: THINKING_MODEL, contents, config });
    return { names: first.functionCalls.map((call) => call.name), answer: second.text };
  },

  async automaticFunctions() {
    const config = { tools: [callable] };
    const whole = await ask({ model: THINKING_MODEL, contents: WEATHER_QUESTION, config });
    const chunks = await all(
      await ai.models.generateContentStream({ model: THINKING_MODEL, contents: WEATHER_QUESTION, config }),
    );
    return { answer: whole.text, streamed: textOf(chunks), history: whole.automaticFunctionCallingHistory.length };
  },

  async forcedFunction() {
    const functionCallingConfig = { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["get_time"] };
    const answer = await ask({
      config: { tools: [{ functionDeclarations: DECLARATIONS }], toolConfig: { functionCallingConfig } },
    });
    return answer.functionCalls.map((call) => call.name);
  },

  async chat() {
    const chat = ai.chats.create({ model: THINKING_MODEL, config: { tools: [callable] } });
    const first = await chat.sendMessage({ message: WEATHER_QUESTION });
    const second = await chat.sendMessage({ message: "What did I ask?" });
    const third = await all(await chat.sendMessageStream({ message: "And the weather again?" }));
    return { first: first.text, second: second.text, third: textOf(third), turns: chat.getHistory().length };
  },

  async tokens() {
    return (await ai.models.countTokens({ model: MODEL, contents: QUESTION })).totalTokens;
  },

  async vectors() {
    const one = await ai.models.embedContent({ model: EMBEDDING_MODEL, contents: QUESTION });
    const several = await ai.models.embedContent({
      model: EMBEDDING_MODEL, contents: ["one", "two", "three"], config: { outputDimensionality: 768 },
    });
    return [one, several].map((answer) => answer.embeddings.map((embedding) => embedding.values.length));
  },

  async models() {
    const listed = (await all(await ai.models.list({ config: { pageSize: 3 } }))).map((model) => model.name);
    return { listed, found: (await ai.models.get({ model: MODEL })).name };
  },

  async modelsOnSharedPath() {
    const client = clientAt("", { apiVersion: "v1" });
    return (await all(await client.models.list())).map((model) => model.name);
  },

  async errors() {
    const stranger = clientAt("", {}, "sk-wrong");
    const nowhere = { model: NO_MODEL, contents: QUESTION };
    return {
      token: await errorOf(() => stranger.models.generateContent({ model: MODEL, contents: QUESTION })),
      model: await errorOf(() => ai.models.generateContent(nowhere)),
      streamed: await errorOf(async () => all(await ai.models.generateContentStream(nowhere))),
      body: await errorOf(() => ask({ config: { temperature: 9 } })),
    };
  },
});
