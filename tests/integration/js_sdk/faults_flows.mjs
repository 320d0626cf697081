// What both SDKs for JavaScript make of an upstream that fails. The test makes one fault of each model here.

import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

import { QUESTION, TOKEN, URL_GIVEN, run } from "./flows.mjs";

const FAULTS = ["broken", "spent", "blocked", "silent", "dead"]; // the dead leave no key

const openai = new OpenAI({ apiKey: TOKEN, baseURL: `${URL_GIVEN}/v1` });
const google = new GoogleGenAI({ apiKey: TOKEN, httpOptions: { baseUrl: `${URL_GIVEN}/gemini/v1beta` } });

/** The text that came before an end or an error, and what the SDK says of it. */
async function follow(begin, textOf, finishOf) {
  const seen = { text: "", finish: null, error: null };
  try {
    for await (const chunk of await begin()) {
      seen.text += textOf(chunk) ?? "";
      seen.finish = finishOf(chunk) ?? seen.finish;
    }
  } catch (error) {
    seen.error = { name: error.constructor.name, status: error.status ?? null, message: error.message };
  }
  return seen;
}

const flows = FAULTS.flatMap((fault) => {
  const messages = [{ role: "user", content: QUESTION }];
  return [
    [`openai ${fault}`, () => follow(
      () => openai.chat.completions.create({ model: `model-${fault}`, messages, stream: true }),
      (chunk) => chunk.choices[0]?.delta.content,
      (chunk) => chunk.choices[0]?.finish_reason,
    )],
    [`google ${fault}`, () => follow(
      () => google.models.generateContentStream({ model: `model-${fault}`, contents: QUESTION }),
      (chunk) => chunk.text,
      (chunk) => chunk.promptFeedback?.blockReason ?? chunk.candidates?.[0]?.finishReason,
    )],
  ];
});

await run(Object.fromEntries(flows));
