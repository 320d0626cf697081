// Runs flows one after another and prints what each of them found, as one JSON object.
//
//     node openai_chat_flows.mjs GATEWAY_URL TOKEN
//
// A flow that throws has its error told in its place, so that one broken feature does not hide the others.
// Knows nothing of the project; tests/sdk/test_javascript_*.py judge what is printed.

import { File } from "node:buffer";

globalThis.File ??= File; // Debian 12's node is 18, where it is not global yet

export const MODEL = "gemini-3.5-flash";
export const THINKING_MODEL = "gemini-3.8-flash";
export const EMBEDDING_MODEL = "gemini-embedding-001";
export const NO_MODEL = "gemini-9-nowhere";
export const QUESTION = "What is a gateway?";
export const WEATHER_QUESTION = "What are the weather and the time in Paris?";

export const [, , URL_GIVEN, TOKEN] = process.argv;

export const WEATHER_SCHEMA = {
  type: "object",
  properties: { city: { type: "string", description: "A city's name." } },
  required: ["city"],
};

/** Run every flow of an object of async functions. */
export async function run(flows) {
  const found = {};
  for (const [name, flow] of Object.entries(flows)) {
    try {
      found[name] = { value: await flow() };
    } catch (error) {
      found[name] = { error: String(error?.stack ?? error) };
    }
  }
  process.stdout.write(JSON.stringify(found));
}

/** Everything an async iterable gives. */
export async function all(iterable) {
  const seen = [];
  for await (const each of iterable) seen.push(each);
  return seen;
}

/** The class, status and words of the error that an action ends with. */
export async function errorOf(action) {
  try {
    await action();
  } catch (error) {
    return { name: error.constructor.name, status: error.status ?? null, message: error.message };
  }
  return { name: "", status: null, message: "no error" };
}
