import type { Field, MessageType } from "../../../mesos/codec/schema.ts";
import { messageType } from "../../../mesos/codec/schema.ts";

/**
 * A message in protobuf's text format, as Mesos prints it into its own messages.
 *
 * @param name whole name of the message: `mesos.v1.ExecutorInfo`
 */
export function debugString(name: string, value: object): string {
  return printMessage(messageType(name), value as Readonly<Record<string, unknown>>, "");
}

function printMessage(type: MessageType, value: Readonly<Record<string, unknown>>, indent: string): string {
  let text = "";
  for (const field of type.byNumber) {
    const item = value[field.name];
    if (item === undefined) continue;
    for (const each of field.repeated ? (item as readonly unknown[]) : [item]) text += printField(field, each, indent);
  }
  return text;
}

function printField({ wireName, type }: Field, value: unknown, indent: string): string {
  const inner = `${indent}  `;
  switch (type.kind) {
    case "message": {
      const members = printMessage(type.message, value as Readonly<Record<string, unknown>>, inner);
      return `${indent}${wireName} {\n${members}${indent}}\n`;
    }
    case "id":
      return `${indent}${wireName} {\n${inner}value: ${quoted(Buffer.from(value as string))}\n${indent}}\n`;
    case "map":
      return Object.entries(value as Readonly<Record<string, unknown>>)
        .map(([key, item]) => {
          const entry = printField(type.value, item, inner);
          return `${indent}${wireName} {\n${inner}key: ${quoted(Buffer.from(key))}\n${entry}${indent}}\n`;
        })
        .join("");
    case "string":
      return `${indent}${wireName}: ${quoted(Buffer.from(value as string))}\n`;
    case "bytes":
      return `${indent}${wireName}: ${quoted(value as Uint8Array)}\n`;
    case "bool":
    case "double":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
    case "enum":
      return `${indent}${wireName}: ${String(value)}\n`;
  }
}

const escapes: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\" };

/** As C writes them: what is not printable ASCII in octal. */
function quoted(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
    text += escapes[byte] ?? plain;
  }
  return `"${text}"`;
}
