/** Why a template cannot be compiled, or does not render a conversation; the message has no file. */
export class TemplateFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateFailure';
  }
}

/** The template asks for more work or memory than any conversation needs. */
export class BudgetExceeded extends TemplateFailure {}

/** @throws TemplateFailure always; for what jinja2 can and this implementation refuses to imitate. */
export function unsupported(what: string): never {
  throw new TemplateFailure(`${what} is not supported by this engine`);
}
