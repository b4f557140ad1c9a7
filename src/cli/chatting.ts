/** `trafo generate --interactive`: a conversation, line by line. */
import { UserError } from "../diagnostics/index.js";
import type { Generator } from "../driver/generate.js";
import type { Compilation } from "../driver/pipeline.js";
import { promptsOfTexts } from "../driver/text.js";
import type { SamplingOptions } from "../runtime/host/sampling.js";
import type { ChatTemplate, Message } from "../runtime/text/chat.js";
import type { ModelText } from "../runtime/text/model-text.js";
import { type Generation, streamed } from "./generating.js";
import type { Host } from "./host.js";

/** The chat template of a model. @throws UserError E0725 where it has none */
export function chatOf({ chat, origin }: ModelText): ChatTemplate {
  if (chat !== null) return chat;
  throw UserError.of("E0725", `the model has no chat template: there is none beside ${origin}`, {
    help: ["leave --chat out: a model that was not taught to chat goes on from a text"],
  });
}

/**
 * Answers each line that comes, until none does. The model reads the whole conversation for every answer.
 * @param system what it is told before
 */
export async function converse(
  host: Host,
  generator: Generator,
  compilation: Compilation,
  options: SamplingOptions & { readonly maxTokens: number },
  generation: Generation & { readonly text: ModelText },
  system: string | undefined,
): Promise<void> {
  const chat = chatOf(generation.text);
  const messages: Message[] = system === undefined ? [] : [{ role: "system", content: system }];
  const ask = () => host.err("> ");
  ask();
  for await (const line of host.lines?.() ?? []) {
    if (line.trim() !== "") {
      messages.push({ role: "user", content: line });
      const written = await chat.render(messages);
      const { prompts } = promptsOfTexts(compilation, generation.text, [written], false);
      const [answer] = await streamed(host, generator, prompts, options, generation, true);
      host.out("\n");
      messages.push({ role: "assistant", content: answer!.text });
    }
    ask();
  }
  host.err("\n");
}
