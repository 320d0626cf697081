// OpenAI's Responses API by its SDK for JavaScript.

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { MODEL, NO_MODEL, QUESTION, THINKING_MODEL, TOKEN, URL_GIVEN, WEATHER_QUESTION, WEATHER_SCHEMA, all, errorOf, run } from "./flows.mjs";

const client = new OpenAI({ apiKey: TOKEN, baseURL: `${URL_GIVEN}/v1` });
const TOOLS = ["weather", "time"].map((what) => ({
  type: "function", name: `get_${what}`, description: `Tells the ${what} in a city.`, parameters: WEATHER_SCHEMA, strict: false,
}));
const Weather = z.object({ city: z.string(), degrees: z.number() });

const callsOf = (response) => response.output.filter((item) => item.type === "function_call");
const resultsFor = (calls) =>
  calls.map((call) => ({ type: "function_call_output", call_id: call.call_id, output: JSON.stringify({ for: call.name }) }));

await run({
  async whole() {
    const response = await client.responses.create({ model: MODEL, input: QUESTION });
    return { object: response.object, status: response.status, text: response.output_text, usage: response.usage };
  },

  async streamed() {
    const events = await all(await client.responses.create({ model: MODEL, input: QUESTION, stream: true }));
    return {
      kinds: events.map((event) => event.type),
      text: events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta).join(""),
    };
  },

  async helper() {
    const stream = client.responses.stream({ model: THINKING_MODEL, input: QUESTION });
    let heard = "";
    stream.on("response.output_text.delta", ({ delta }) => { heard += delta; });
    const { output_text: text } = await stream.finalResponse();
    return { heard, text };
  },

  async loop() {
    const first = await client.responses.create({ model: THINKING_MODEL, input: WEATHER_QUESTION, tools: TOOLS, store: false });
    const input = [{ role: "user", content: WEATHER_QUESTION }, ...first.output, ...resultsFor(callsOf(first))];
    const second = await client.responses.create({ model: THINKING_MODEL, input, tools: TOOLS, store: false });
    return { names: callsOf(first).map((call) => call.name), text: second.output_text };
  },

  async previous() {
    const first = await client.responses.create({ model: THINKING_MODEL, input: WEATHER_QUESTION, tools: TOOLS });
    const second = await client.responses.create({
      model: THINKING_MODEL, input: resultsFor(callsOf(first)), tools: TOOLS, previous_response_id: first.id,
    });
    const shown = await client.responses.retrieve(second.id);
    return { text: second.output_text, shown: shown.output_text };
  },

  async parsed() {
    const format = zodTextFormat(Weather, "weather");
    const response = await client.responses.parse({ model: MODEL, input: "The weather in Paris?", text: { format } });
    return Object.keys(response.output_parsed);
  },

  error: () => errorOf(() => client.responses.create({ model: NO_MODEL, input: QUESTION })),
});
