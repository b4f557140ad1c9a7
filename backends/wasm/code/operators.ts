/**
 * The WebAssembly instructions that are used here: their opcodes, and what is written after them.
 *
 * After the WebAssembly Core Specification 2.0 (binary format, section 5.4), the threads proposal for atomics.
 */

/** What an instruction carries in the code besides its operands. */
export type Immediate =
  | "none"
  | "memory"
  | "lane"
  | "memory lane"
  | "i32"
  | "f32"
  | "f64"
  | "v128"
  | "local"
  | "global"
  | "shuffle";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

interface Operator {
  /** The opcode with its prefix, before LEB128. */
  readonly bytes: readonly number[];
  readonly immediate: Immediate;
  /** The logarithm of the alignment that an access names. */
  readonly align: number;
}

/** The bytes of an unsigned number, seven bits at a time. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}

const operators = new Map<string, Operator>();

function declare(list: string, immediate: Immediate = "none", prefix: number | null = null, align = 2): void {
  for (const entry of list.trim().split(/\s+/)) {
    const [name, code] = entry.split("=") as [string, string];
    const opcode = Number.parseInt(code, 16);
    operators.set(name, { bytes: prefix === null ? [opcode] : [prefix, ...unsigned(opcode)], immediate, align });
  }
}

declare("unreachable=00 nop=01 drop=1a select=1b return=0f");
declare("local.get=20 local.set=21 local.tee=22", "local");
declare("global.get=23 global.set=24", "global");
declare("i32.load=28 f32.load=2a i32.store=36 f32.store=38", "memory");
declare("i32.load8_s=2c i32.load8_u=2d i32.store8=3a", "memory", null, 0);
declare("i32.load16_s=2e i32.load16_u=2f i32.store16=3b", "memory", null, 1);
declare("i32.const=41 i64.const=42", "i32");
declare("f32.const=43", "f32");
declare("f64.const=44", "f64");
declare(`
  i32.eqz=45 i32.eq=46 i32.ne=47 i32.lt_s=48 i32.lt_u=49 i32.gt_s=4a i32.le_s=4c i32.ge_s=4e
  f32.eq=5b f32.ne=5c f32.lt=5d f32.gt=5e f32.le=5f f32.ge=60
  f64.eq=61 f64.ne=62 f64.lt=63 f64.gt=64 f64.le=65 f64.ge=66
  i32.add=6a i32.sub=6b i32.mul=6c i32.div_s=6d i32.div_u=6e i32.rem_s=6f i32.rem_u=70
  i32.and=71 i32.or=72 i32.xor=73 i32.shl=74 i32.shr_s=75 i32.shr_u=76
  f32.abs=8b f32.neg=8c f32.ceil=8d f32.floor=8e f32.nearest=90 f32.sqrt=91
  f32.add=92 f32.sub=93 f32.mul=94 f32.div=95 f32.min=96 f32.max=97 f32.copysign=98
  f64.abs=99 f64.neg=9a f64.floor=9c f64.nearest=9e f64.sqrt=9f f64.add=a0 f64.sub=a1 f64.mul=a2 f64.div=a3
  f64.copysign=a6 i32.wrap_i64=a7 i64.eq=51 i64.add=7c i64.and=83 i64.or=84 i64.shl=86 i64.shr_u=88 i64.extend_i32_u=ad
  f32.convert_i32_s=b2 f32.demote_f64=b6 f64.convert_i32_s=b7 f64.promote_f32=bb
  i32.reinterpret_f32=bc i64.reinterpret_f64=bd f32.reinterpret_i32=be f64.reinterpret_i64=bf
`);
declare("i32.trunc_sat_f32_s=0 i32.trunc_sat_f64_s=2", "none", 0xfc);
declare("v128.load=0 v128.store=b", "memory", 0xfd);
declare("v128.load32_splat=9 v128.load32_zero=5c", "memory", 0xfd);
declare("v128.load8x8_s=1 v128.load16x4_s=3 v128.load16x4_u=4 v128.load64_splat=a", "memory", 0xfd, 0);
declare("v128.load32_lane=56", "memory lane", 0xfd);
declare("v128.store64_lane=5b", "memory lane", 0xfd, 1);
declare("v128.const=c", "v128", 0xfd);
declare("i8x16.shuffle=d", "shuffle", 0xfd);
declare("i32x4.extract_lane=1b i32x4.replace_lane=1c f32x4.extract_lane=1f f32x4.replace_lane=20", "lane", 0xfd);
declare(
  `i32x4.splat=11 f32x4.splat=13
  i32x4.eq=37 i32x4.ne=38 i32x4.lt_s=39 i32x4.gt_s=3b i32x4.le_s=3d i32x4.ge_s=3f
  f32x4.eq=41 f32x4.ne=42 f32x4.lt=43 f32x4.gt=44 f32x4.le=45 f32x4.ge=46
  v128.not=4d v128.and=4e v128.andnot=4f v128.or=50 v128.xor=51 v128.bitselect=52 v128.any_true=53
  f32x4.ceil=67 f32x4.floor=68 f32x4.nearest=6a i32x4.abs=a0 i32x4.neg=a1
  i32x4.shl=ab i32x4.shr_s=ac i32x4.shr_u=ad i32x4.add=ae i32x4.sub=b1 i32x4.mul=b5 i32x4.min_s=b6 i32x4.max_s=b8
  f32x4.abs=e0 f32x4.neg=e1 f32x4.sqrt=e3 f32x4.add=e4 f32x4.sub=e5 f32x4.mul=e6 f32x4.div=e7
  f32x4.min=e8 f32x4.max=e9 f32x4.pmin=ea f32x4.pmax=eb
  i16x8.narrow_i32x4_u=86 i16x8.extend_low_i8x16_s=87 i32x4.extend_low_i16x8_s=a7 i16x8.shl=8b i16x8.shr_s=8c i16x8.shr_u=8d i32x4.dot_i16x8_s=ba
  i32x4.trunc_sat_f32x4_s=f8 f32x4.convert_i32x4_s=fa f32x4.relaxed_madd=105`,
  "none",
  0xfd,
);
declare("memory.atomic.notify=0 i32.atomic.load=10 i32.atomic.store=17 i32.atomic.rmw.add=1e", "memory", 0xfe);
declare("i64.atomic.load=11 i64.atomic.store=18 i64.atomic.rmw.cmpxchg=49", "memory", 0xfe, 3);

/** @throws TypeError for an instruction that is not used here. */
export function operatorOf(name: string): Operator {
  const found = operators.get(name);
  if (found === undefined) throw new TypeError(`the instruction ${name} is not declared`);
  return found;
}
