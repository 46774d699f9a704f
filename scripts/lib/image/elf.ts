import { closeSync, openSync, readSync } from "node:fs";

/** What a program or library of Linux says of itself, as far as its loader reads it. */
export interface Elf {
  readonly machine: Machine;
  /** The loader that the kernel starts it with; undefined for a library. */
  readonly interpreter: string | undefined;
  /** Names of the libraries that it is linked against. */
  readonly needed: readonly string[];
}

/** Debian's name of the machine in its library folders, and OCI's. */
export interface Machine {
  readonly triplet: string;
  readonly architecture: "amd64" | "arm64";
}

/** By e_machine. */
const machines: Readonly<Record<number, Machine>> = {
  62: { triplet: "x86_64-linux-gnu", architecture: "amd64" },
  183: { triplet: "aarch64-linux-gnu", architecture: "arm64" },
};

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/**
 * Reads a 64-bit little-endian ELF file. In place of `ldd`, which starts the program, and so fails for another machine's.
 *
 * @throws where it is no such file
 * @see elf(5)
 */
export function readElf(path: string): Elf {
  const file = openSync(path, "r");
  try {
    const header = read(file, 0, 64);
    if (header.toString("latin1", 0, 4) !== "\x7fELF" || header[4] !== 2 || header[5] !== 1) {
      throw new Error(`Cannot read ${path}: must be a 64-bit little-endian program of Linux (ELF)`);
    }
    const machine = machines[header.readUInt16LE(18)];
    if (machine === undefined) {
      throw new Error(`Cannot read ${path}: it is for machine ${header.readUInt16LE(18)}, must be for x86-64 or arm64`);
    }
    const segments = readSegments(file, header);
    const interpreter = segments.find(({ type }) => type === PT_INTERP);
    return {
      machine,
      interpreter: interpreter === undefined ? undefined : text(read(file, interpreter.offset, interpreter.size), 0),
      needed: readNeeded(file, segments),
    };
  } finally {
    closeSync(file);
  }
}

function readSegments(file: number, header: Buffer): readonly Segment[] {
  const [start, entrySize, count] = [number(header, 32), header.readUInt16LE(54), header.readUInt16LE(56)];
  const table = read(file, start, entrySize * count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    return {
      type: table.readUInt32LE(at),
      offset: number(table, at + 8),
      address: number(table, at + 16),
      size: number(table, at + 32),
    };
  });
}

/** Nothing for a program that is linked statically. */
function readNeeded(file: number, segments: readonly Segment[]): readonly string[] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const table = read(file, dynamic.offset, dynamic.size);
  const names: number[] = [];
  const found = new Map<number, number>();
  for (let at = 0; at + 16 <= table.length; at += 16) {
    const tag = number(table, at);
    if (tag === DT_NEEDED) names.push(number(table, at + 8));
    else found.set(tag, number(table, at + 8));
  }
  const strings = read(file, fileOffset(found.get(DT_STRTAB) ?? 0, segments), found.get(DT_STRSZ) ?? 0);
  return names.map((name) => text(strings, name));
}

/** Where an address of memory lies in the file. */
function fileOffset(address: number, segments: readonly Segment[]): number {
  const segment = segments.find(
    (one) => one.type === PT_LOAD && address >= one.address && address < one.address + one.size,
  );
  return segment === undefined ? address : address - segment.address + segment.offset;
}

function read(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, offset);
  return bytes;
}

function number(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

/** Up to the NUL. */
function text(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString("latin1", at, end === -1 ? bytes.length : end);
}
