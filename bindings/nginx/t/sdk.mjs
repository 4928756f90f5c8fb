// SPDX-License-Identifier: MIT
// sdk.mjs URL: plain and streaming calls by the providers' own clients, whose own retries are off, through a gateway at URL.
// Prints a line for each: what came, or the error.
import { createRequire } from "node:module";

const require = createRequire(process.env.KEYSHM_NODE_MODULES + "/");
const OpenAI = require("openai").default;
const Anthropic = require("@anthropic-ai/sdk").default;
const { GoogleGenAI } = require("@google/genai");
const url = process.argv[2];

const openai = new OpenAI({ apiKey: "none", baseURL: url + "/openai/v1", maxRetries: 0 });
const anthropic = new Anthropic({ apiKey: "none", baseURL: url + "/anthropic", maxRetries: 0 });
const gemini = new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: url + "/gemini" } });
const messages = [{ role: "user", content: "Say a b c." }];

const calls = {
    async openai_plain() {
        return (await openai.chat.completions.create({ model: "gpt-x", messages })).choices[0].message.content;
    },
    async openai_stream() {
        let text = "";
        for await (const part of await openai.chat.completions.create({ model: "gpt-x", messages, stream: true }))
            text += part.choices[0]?.delta?.content ?? "";
        return text;
    },
    async anthropic_plain() {
        return (await anthropic.messages.create({ model: "claude-x", max_tokens: 9, messages })).content[0].text;
    },
    async anthropic_stream() {
        let text = "";
        for await (const event of await anthropic.messages.create({ model: "claude-x", max_tokens: 9, messages, stream: true }))
            text += event.type === "content_block_delta" ? event.delta.text : "";
        return text;
    },
    async gemini_plain() {
        return (await gemini.models.generateContent({ model: "gemini-x", contents: "Say a b c." })).text;
    },
    async gemini_stream() {
        let text = "";
        for await (const part of await gemini.models.generateContentStream({ model: "gemini-x", contents: "Say a b c." }))
            text += part.text ?? "";
        return text;
    },
};

for (const [name, call] of Object.entries(calls)) {
    try {
        console.log(name, await call());
    } catch (error) {
        console.log(name, "ERROR", error.status ?? "", String(error.message).slice(0, 100).replaceAll("\n", " "));
    }
}
