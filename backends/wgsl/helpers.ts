/**
 * Functions that WGSL lacks, or promises too little of, as the language defines them. A shader carries those it calls.
 *
 * WGSL lets an implementation assume that there are no NaN and no infinities, so nothing here makes them on the way to a
 * finite result, and they are recognised by their bits. Where they are wanted (an infinity that is stored, a NaN), their
 * bits come from a variable, since a constant expression must not be one.
 */

interface Helper {
  readonly needs?: readonly HelperName[];
  readonly text: string;
}

const helpers = {
  highest: { text: "const highest = 3.4028234663852886e+38f;" },
  nan_bits: { text: "var<private> nan_bits: u32 = 0x7fc00000u;" },
  infinity_bits: { text: "var<private> infinity_bits: u32 = 0x7f800000u;" },
  is_nan: {
    text: `fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}`,
  },
  with_infinities: {
    needs: ["highest", "infinity_bits"],
    text: `// The largest numbers stand for infinities within a kernel; memory holds infinities.
fn with_infinities(x: f32) -> f32 {
  if (x >= highest) {
    return bitcast<f32>(infinity_bits);
  }
  return select(x, bitcast<f32>(infinity_bits | 0x80000000u), x <= -highest);
}`,
  },
  with_infinities_4: {
    needs: ["with_infinities"],
    text: `fn with_infinities_4(x: vec4f) -> vec4f {
  return vec4f(with_infinities(x.x), with_infinities(x.y), with_infinities(x.z), with_infinities(x.w));
}`,
  },
  half_infinity_bits: { text: "var<private> half_infinity_bits: u32 = 0x7c00u;" },
  to_half: {
    needs: ["half_infinity_bits"],
    text: `// What rounds to no number of f16 becomes an infinity.
fn to_half(x: f32) -> f16 {
  if (abs(x) >= 65520.0) {
    return bitcast<vec2h>(half_infinity_bits | select(0u, 0x8000u, x < 0.0)).x;
  }
  return f16(select(x, sign(x) * 65504.0, abs(x) > 65504.0));
}`,
  },
  to_half_4: {
    needs: ["to_half"],
    text: `fn to_half_4(x: vec4f) -> vec4h {
  return vec4h(to_half(x.x), to_half(x.y), to_half(x.z), to_half(x.w));
}`,
  },
  to_bf16: {
    needs: ["is_nan"],
    text: `// The nearest number that is the upper half of an f32, ties to even.
fn to_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let rounded = bitcast<f32>((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u);
  return select(rounded, x, is_nan(x));
}`,
  },
  to_finite_f16: {
    needs: ["is_nan"],
    text: `// The nearest f16 that is finite, ties to even, which quantizeToF16 need not give; NaN gives 0.
fn to_finite_f16(x: f32) -> f32 {
  let magnitude = min(abs(x), 65504.0);
  let bits = bitcast<u32>(magnitude);
  let normal = bitcast<f32>((bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u);
  let tiny = round(magnitude * 16777216.0) * 5.9604644775390625e-8;
  let rounded = select(normal, tiny, magnitude < 6.103515625e-5);
  return select(select(rounded, -rounded, x < 0.0), 0.0, is_nan(x));
}`,
  },
  half: {
    text: `// A number of two in a word, which are f16.
fn half(word: u32, at: i32) -> f32 {
  let both = unpack2x16float(word);
  return select(both.x, both.y, (at & 1) == 1);
}`,
  },
  halves: {
    text: `fn halves(words: vec2<u32>) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}`,
  },
  half_bits: {
    text: `// The bits of a number that is f16; those of the smallest ones are how often they hold 2^-24.
fn half_bits(x: f32) -> u32 {
  let normal = ((bitcast<u32>(x) & 0x7fffffffu) >> 13u) - 0x1c000u;
  let bits = select(normal, u32(abs(x) * 16777216.0), abs(x) < 6.103515625e-5);
  return bits | ((bitcast<u32>(x) >> 16u) & 0x8000u);
}`,
  },
  brain_float: {
    text: `// A number of two in a word, which are upper halves of f32.
fn brain_float(word: u32, at: i32) -> f32 {
  return bitcast<f32>(select(word << 16u, word & 0xffff0000u, (at & 1) == 1));
}`,
  },
  brain_floats: {
    text: `fn brain_floats(words: vec2<u32>) -> vec4f {
  return bitcast<vec4f>(vec4<u32>(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}`,
  },
  brain_float_bits: {
    text: `fn brain_float_bits(x: f32) -> u32 {
  return bitcast<u32>(x) >> 16u;
}`,
  },
  to_i32: {
    needs: ["is_nan"],
    text: `// Truncates and saturates; NaN gives 0.
fn to_i32(x: f32) -> i32 {
  if (is_nan(x)) {
    return 0;
  }
  if (x >= 2147483648.0) {
    return 2147483647;
  }
  return i32(max(x, -2147483648.0));
}`,
  },
  floor_divide_i32: {
    text: `// The whole number below a / b; 0 for b = 0.
fn floor_divide_i32(a: i32, b: i32) -> i32 {
  if (b == 0) {
    return 0;
  }
  let quotient = a / b;
  return select(quotient, quotient - 1, quotient * b != a && (a < 0) != (b < 0));
}`,
  },
  floor_mod_i32: {
    needs: ["floor_divide_i32"],
    text: `// The remainder with the sign of b; 0 for b = 0.
fn floor_mod_i32(a: i32, b: i32) -> i32 {
  return select(a - floor_divide_i32(a, b) * b, 0, b == 0);
}`,
  },
  power_i32: {
    text: `// x^n, which wraps around; for a negative n 1 / x^|n| rounded towards 0, and 0 for x = 0.
fn power_i32(x: i32, n: i32) -> i32 {
  if (n < 0) {
    return select(select(0, select(1, -1, n % 2 != 0), x == -1), 1, x == 1);
  }
  var result = 1;
  var square = x;
  for (var rest = n; rest > 0; rest = rest >> 1) {
    if ((rest & 1) == 1) {
      result = result * square;
    }
    square = square * square;
  }
  return result;
}`,
  },
  floor_divide: {
    text: `// The whole number below a / b: a rounded quotient may be the next one, which its remainder shows.
fn floor_divide(a: f32, b: f32) -> f32 {
  if (b == 0.0) {
    return a / b;
  }
  let quotient = floor(a / b);
  let rest = fma(-quotient, b, a);
  if (rest != 0.0 && (rest < 0.0) != (b < 0.0)) {
    return quotient - 1.0;
  }
  return select(quotient, quotient + 1.0, abs(rest) >= abs(b));
}`,
  },
  floor_mod: {
    needs: ["floor_divide"],
    text: `// The remainder with the sign of b.
fn floor_mod(a: f32, b: f32) -> f32 {
  return fma(-floor_divide(a, b), b, a);
}`,
  },
  power: {
    text: `// pow is defined for positive bases only.
fn power(x: f32, y: f32) -> f32 {
  if (y == 0.0 || x == 1.0) {
    return 1.0;
  }
  if (x == 0.0) {
    return select(0.0, 1.0 / x, y < 0.0);
  }
  let magnitude = pow(abs(x), y);
  let is_odd = abs(y) < 16777216.0 && abs(y - 2.0 * floor(y / 2.0)) == 1.0;
  return select(magnitude, -magnitude, x < 0.0 && is_odd);
}`,
  },
  log_parts: {
    text: `// log(x) = x.y * log(2) + the logarithm of a number near 1, by the polynomial of Cephes, in x.x.
fn log_parts(x: f32) -> vec2f {
  let parts = frexp(x);
  let is_low = parts.fract < 0.7071067811865475;
  let m = select(parts.fract, 2.0 * parts.fract, is_low) - 1.0;
  let z = m * m;
  var y = 7.0376836292e-2;
  y = y * m - 1.1514610310e-1;
  y = y * m + 1.1676998740e-1;
  y = y * m - 1.2420140846e-1;
  y = y * m + 1.4249322787e-1;
  y = y * m - 1.6668057665e-1;
  y = y * m + 2.0000714765e-1;
  y = y * m - 2.4999993993e-1;
  y = y * m + 3.3333331174e-1;
  return vec2f(m + (y * m * z - 0.5 * z), f32(select(parts.exp, parts.exp - 1, is_low)));
}`,
  },
  logarithm: {
    needs: ["highest", "nan_bits", "log_parts"],
    text: `// To f32; log itself promises less, and nothing for 0.
fn logarithm(x: f32) -> f32 {
  if (x <= 0.0) {
    return select(bitcast<f32>(nan_bits), -highest, x == 0.0);
  }
  let parts = log_parts(x);
  return parts.y * 0.693359375 + (parts.x - parts.y * 2.12194440e-4);
}`,
  },
  logarithm_2: {
    needs: ["highest", "nan_bits", "log_parts"],
    text: `fn logarithm_2(x: f32) -> f32 {
  if (x <= 0.0) {
    return select(bitcast<f32>(nan_bits), -highest, x == 0.0);
  }
  let parts = log_parts(x);
  return parts.y + parts.x * 1.4426950408889634;
}`,
  },
  quarter_turns: {
    text: `// The angle without its multiples of a quarter turn, whose number comes second.
fn quarter_turns(x: f32) -> vec2f {
  let turns = round(x * 0.6366197723675814);
  let high = fma(turns, -1.5703125, x);
  let middle = fma(turns, -0.0004837512969970703, high);
  return vec2f(fma(turns, -7.549789948768648e-8, middle), turns - 4.0 * floor(turns * 0.25));
}`,
  },
  sine_near_zero: {
    text: `// On [-π/4, π/4], by the polynomial of Cephes.
fn sine_near_zero(x: f32) -> f32 {
  let z = x * x;
  return fma(((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z, x, x);
}`,
  },
  cosine_near_zero: {
    text: `fn cosine_near_zero(x: f32) -> f32 {
  let z = x * x;
  return ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
}`,
  },
  sine: {
    needs: ["quarter_turns", "sine_near_zero", "cosine_near_zero"],
    text: `// To f32 for angles of some thousand turns; sin itself promises three digits.
fn sine(x: f32) -> f32 {
  let reduced = quarter_turns(x);
  let value = select(sine_near_zero(reduced.x), cosine_near_zero(reduced.x), reduced.y == 1.0 || reduced.y == 3.0);
  return select(value, -value, reduced.y >= 2.0);
}`,
  },
  cosine: {
    needs: ["quarter_turns", "sine_near_zero", "cosine_near_zero"],
    text: `fn cosine(x: f32) -> f32 {
  let reduced = quarter_turns(x);
  let value = select(cosine_near_zero(reduced.x), sine_near_zero(reduced.x), reduced.y == 1.0 || reduced.y == 3.0);
  return select(value, -value, reduced.y == 1.0 || reduced.y == 2.0);
}`,
  },
  hyperbolic_tangent: {
    text: `// Near 0 by the polynomial of Cephes: tanh itself promises an absolute error only, and some overflow beyond 10.
fn hyperbolic_tangent(x: f32) -> f32 {
  let y = clamp(x, -10.0, 10.0);
  let z = y * y;
  let near = (((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z;
  return select(fma((near - 3.33332819422e-1) * z, y, x), tanh(y), abs(x) >= 0.625);
}`,
  },
  erf: {
    text: `// The integral of 2/√π exp(-t²) from 0 to x, by the rational approximation that Eigen uses for f32.
fn erf(x: f32) -> f32 {
  let y = clamp(x, -4.0, 4.0);
  let z = y * y;
  var over = -2.72614225801306e-10;
  over = over * z + 2.77068142495902e-08;
  over = over * z - 2.10102402082508e-06;
  over = over * z - 5.69250639462346e-05;
  over = over * z - 7.34990630326855e-04;
  over = over * z - 2.95459980854025e-03;
  over = over * z - 1.60960333262415e-02;
  var under = -1.45660718464996e-05;
  under = under * z - 2.13374055278905e-04;
  under = under * z - 1.68282697438203e-03;
  under = under * z - 7.37332916720468e-03;
  under = under * z - 1.42647390514189e-02;
  return y * over / under;
}`,
  },
} as const satisfies Readonly<Record<string, { readonly needs?: readonly string[]; readonly text: string }>>;

export type HelperName = keyof typeof helpers;

export const helperNames = Object.keys(helpers) as readonly HelperName[];

/** The text of some functions and of those that they need, each after what it needs. */
export function helperText(names: Iterable<HelperName>): readonly string[] {
  const texts = new Map<HelperName, string>();
  const visit = (name: HelperName): void => {
    if (texts.has(name)) return;
    const { needs = [], text }: Helper = helpers[name];
    for (const each of needs) visit(each);
    texts.set(name, text);
  };
  for (const name of names) visit(name);
  return [...texts.values()];
}
