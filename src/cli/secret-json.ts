/** What a file with secrets says; undefined where it is no JSON: the parser's message would show a piece of it. */
export function parseSecretJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
