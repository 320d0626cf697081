// Chat completions by OpenAI's SDK for JavaScript.

import OpenAI, { AzureOpenAI } from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import {
  MODEL, NO_MODEL, QUESTION, THINKING_MODEL, TOKEN, URL_GIVEN, WEATHER_QUESTION, WEATHER_SCHEMA, all, errorOf, run,
} from "./flows.mjs";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

const client = new OpenAI({ apiKey: TOKEN, baseURL: `${URL_GIVEN}/v1` });
const user = (content) => [{ role: "user", content }];
const ask = (fields) => client.chat.completions.create({ model: MODEL, messages: user(QUESTION), ...fields });

const TOOLS = ["weather", "time"].map((what) => ({
  type: "function",
  function: { name: `get_${what}`, description: `Tells the ${what} in a city.`, parameters: WEATHER_SCHEMA },
}));
const Weather = z.object({ city: z.string(), degrees: z.number(), words: z.array(z.string()).nullable() });

const resultsFor = (calls) =>
  calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: JSON.stringify({ for: call.function.name }) }));

/** A message as a client keeps it that knows only what OpenAI's documents name. */
const onlyKnownFields = (message) => ({
  role: "assistant",
  content: message.content,
  tool_calls: message.tool_calls.map(({ id, type, function: { name, arguments: text } }) => ({
    id, type, function: { name, arguments: text },
  })),
});

async function loop(model, keep) {
  const create = (messages) => client.chat.completions.create({ model, messages, tools: TOOLS });
  const first = (await create(user(WEATHER_QUESTION))).choices[0];
  const calls = first.message.tool_calls;
  const history = [...user(WEATHER_QUESTION), keep(first.message), ...resultsFor(calls)];
  const second = (await create(history)).choices[0];
  return {
    finish: first.finish_reason,
    names: calls.map((call) => call.function.name),
    cities: calls.map((call) => typeof JSON.parse(call.function.arguments).city),
    ids: new Set(calls.map((call) => call.id)).size,
    answer: second.message.content,
  };
}

await run({
  async whole() {
    const { data: answer, response } = await ask({ temperature: 0.7 }).withResponse();
    const { message, finish_reason: finish } = answer.choices[0];
    return {
      object: answer.object, model: answer.model, role: message.role, text: message.content, finish,
      usage: answer.usage, requestId: answer._request_id, header: response.headers.get("x-request-id"),
    };
  },

  async streamed() {
    const chunks = await all(await ask({ stream: true }));
    const last = chunks.at(-1).choices[0];
    return {
      text: chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join(""),
      pieces: chunks.length,
      role: chunks[0].choices[0].delta.role,
      finish: last.finish_reason,
      ids: new Set(chunks.map((chunk) => chunk.id)).size,
      usages: chunks.filter((chunk) => chunk.usage).length,
    };
  },

  async streamedUsage() {
    const chunks = await all(
      await ask({ model: THINKING_MODEL, stream: true, stream_options: { include_usage: true } }),
    );
    const last = chunks.at(-1);
    return { choices: last.choices, usage: last.usage, early: chunks.slice(0, -1).filter((each) => each.usage).length };
  },

  async streamHelper() {
    const stream = client.chat.completions.stream({ model: MODEL, messages: user(QUESTION) });
    let heard = "";
    stream.on("content", (delta) => { heard += delta; });
    const answer = await stream.finalChatCompletion();
    return { heard, text: answer.choices[0].message.content, finish: answer.choices[0].finish_reason };
  },

  async abortedStream() {
    const stream = await ask({ stream: true });
    for await (const _ of stream) break;
    return stream.controller.signal.aborted;
  },

  async bases() {
    const found = {};
    for (const path of ["/v1", "/v1/", "/hf/v1", "/openai/v1", "", "/v1beta/openai/"]) {
      const other = new OpenAI({ apiKey: TOKEN, baseURL: URL_GIVEN + path });
      const answer = await other.chat.completions.create({ model: MODEL, messages: user(QUESTION) });
      found[path] = answer.choices[0].message.content;
    }
    return found;
  },

  async azure() {
    const azure = new AzureOpenAI({ apiKey: TOKEN, endpoint: URL_GIVEN, apiVersion: "2024-10-21", deployment: MODEL });
    const answer = await azure.chat.completions.create({ model: MODEL, messages: user(QUESTION) });
    return { model: answer.model, text: answer.choices[0].message.content };
  },

  toolLoop: () => loop(MODEL, (message) => message),
  toolLoopThinking: () => loop(THINKING_MODEL, (message) => message),
  toolLoopKnownFields: () => loop(THINKING_MODEL, onlyKnownFields),

  async streamedCalls() {
    const stream = client.chat.completions.stream({ model: MODEL, messages: user(WEATHER_QUESTION), tools: TOOLS });
    const message = await stream.finalMessage();
    const history = [...user(WEATHER_QUESTION), onlyKnownFields(message), ...resultsFor(message.tool_calls)];
    const answer = client.chat.completions.stream({ model: MODEL, messages: history, tools: TOOLS });
    return {
      names: message.tool_calls.map((call) => call.function.name),
      cities: message.tool_calls.map((call) => typeof JSON.parse(call.function.arguments).city),
      answer: await answer.finalContent(),
    };
  },

  async toolRunner() {
    const asked = [];
    const tool = (what) => ({
      type: "function",
      function: {
        name: `get_${what}`, description: `Tells the ${what} in a city.`, parameters: WEATHER_SCHEMA,
        parse: JSON.parse,
        function: ({ city }) => { asked.push(`${what} in ${typeof city}`); return `blue ${what}`; },
      },
    });
    const runner = client.chat.completions.runTools({
      model: THINKING_MODEL, messages: user(WEATHER_QUESTION), tools: [tool("weather"), tool("time")],
    });
    return { answer: await runner.finalContent(), asked };
  },

  async toolChoice() {
    const names = async (fields) =>
      ((await ask({ tools: TOOLS, ...fields })).choices[0].message.tool_calls ?? []).map((call) => call.function.name);
    return {
      none: await names({ messages: user(WEATHER_QUESTION), tool_choice: "none" }),
      required: await names({ tool_choice: "required" }),
      named: await names({ tool_choice: { type: "function", function: { name: "get_time" } } }),
    };
  },

  async parsed() {
    const answer = await client.chat.completions.parse({
      model: MODEL, messages: user("The weather in Paris?"), response_format: zodResponseFormat(Weather, "weather"),
    });
    return answer.choices[0].message.parsed;
  },

  async parsedArguments() {
    const answer = await client.chat.completions.parse({
      model: MODEL, messages: user("The weather in Paris?"),
      tools: [zodFunction({ name: "get_weather", parameters: z.object({ city: z.string() }) })],
    });
    return answer.choices[0].message.tool_calls[0].function.parsed_arguments;
  },

  async jsonObject() {
    const answer = await ask({ messages: user("Answer in JSON."), response_format: { type: "json_object" } });
    return JSON.parse(answer.choices[0].message.content);
  },

  async reasoning() {
    const answer = await ask({ model: THINKING_MODEL, reasoning_effort: "high" });
    const chunks = await all(await ask({ model: THINKING_MODEL, reasoning_effort: "low", stream: true }));
    return {
      thoughts: answer.choices[0].message.reasoning_content,
      text: answer.choices[0].message.content,
      tokens: answer.usage.completion_tokens_details.reasoning_tokens,
      streamed: chunks.map((chunk) => chunk.choices[0].delta.reasoning_content ?? "").join(""),
    };
  },

  async picture() {
    const content = [
      { type: "text", text: "What is in this picture?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}`, detail: "low" } },
    ];
    return (await ask({ messages: user(content) })).choices[0].message.content;
  },

  async webSearch() {
    return (await ask({ web_search_options: {} })).choices[0].message.annotations;
  },

  async models() {
    const listed = (await all(client.models.list())).map((model) => model.id);
    return { listed, found: (await client.models.retrieve(MODEL)).id };
  },

  async errors() {
    const stranger = new OpenAI({ apiKey: "sk-wrong", baseURL: `${URL_GIVEN}/v1` });
    const asked = { model: MODEL, messages: user(QUESTION) };
    return {
      token: await errorOf(() => stranger.chat.completions.create(asked)),
      model: await errorOf(() => ask({ model: NO_MODEL })),
      streamed: await errorOf(() => ask({ model: NO_MODEL, stream: true })),
      body: await errorOf(() => ask({ temperature: 9 })),
      route: await errorOf(() => client.post("/nothing", { body: {} })),
    };
  },
});
