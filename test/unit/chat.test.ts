/** Chat templates against what transformers renders. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ChatTemplate, type Message } from "../../src/runtime/text/chat.js";

interface Case {
  readonly name: string;
  readonly template: string;
  readonly messages: readonly Message[];
  /** Null where the template refuses. */
  readonly text: string | null;
}
const path = join(import.meta.dirname, "..", "fixtures", "text", "chats.json");
const { tokens, cases }: { tokens: Record<string, string>; cases: Case[] } = JSON.parse(readFileSync(path, "utf8"));

it.each(cases)("$name: $messages.length messages", async ({ template, messages, text }) => {
  const chat = new ChatTemplate(template, "of a test", tokens);
  if (text === null) await expect(chat.render(messages)).rejects.toThrow("of a test refuses the messages");
  else expect(await chat.render(messages)).toBe(text);
});

it("covers templates that refuse", () => {
  expect(cases.filter(({ text }) => text === null).length).toBeGreaterThan(2);
});
