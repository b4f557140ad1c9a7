/**
 * Messages as the text that a model was taught to read them in, by the template that is published with the model: Jinja, as
 * transformers renders it.
 */
import { UserError } from "../../diagnostics/index.js";

export interface Message {
  /** `system`, `user` or `assistant`; a template may know others. */
  readonly role: string;
  readonly content: string;
}

export class ChatTemplate {
  /**
   * @param origin what to call it in messages
   * @param tokens what templates write of the tokenizer: `bos_token`, `eos_token` and others by name
   */
  constructor(
    readonly source: string,
    readonly origin: string,
    readonly tokens: Readonly<Record<string, string>>,
  ) {}

  /** The text of a conversation, up to where the model answers. @throws UserError E0725 */
  async render(messages: readonly Message[]): Promise<string> {
    const { Template } = await import("@huggingface/jinja");
    const attempt = <T>(doing: string, work: () => T, help: readonly string[]): T => {
      try {
        return work();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw UserError.of("E0725", `the chat template ${this.origin} ${doing}: ${why}`, { help });
      }
    };
    const withoutChat = "leave --chat out, and write the prompt as the model reads it";
    const template = attempt("does not parse", () => new Template(this.source), [withoutChat]);
    // What transformers gives where there are none: templates ask for it.
    const none = { tools: null, documents: null };
    const context = { messages, add_generation_prompt: true, ...none, ...this.tokens };
    const roles = messages.map(({ role }) => role);
    const help = roles.includes("system") ? ["leave --system out: some templates take no such message"] : [withoutChat];
    return attempt("refuses the messages", () => template.render(context), help);
  }
}
