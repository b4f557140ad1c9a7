/**
 * The error function to within one unit in the last place of f64.
 *
 * After s_erf.c of fdlibm, whose notice follows. The arguments' high words are compared as numbers here, and the cut of
 * the argument to its high word is done with a view on its bits.
 *
 *   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
 *   Developed at SunPro, a Sun Microsystems, Inc. business.
 *   Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice is
 *   preserved.
 */

const erfOne = 0.8450629115104675;
const erfSlope = 0.1283791670955126;

// erf on [0, 0.84375]: x + x * P(x²) / Q(x²)
const erfNear0Over = [
  0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442, -2.3763016656650163e-5,
];
const erfNear0Under = [
  1, 0.39791722395915535, 0.0650222499887673, 0.005081306281875766, 0.00013249473800432164, -3.960228278775368e-6,
];
// erf on [0.84375, 1.25]: erfOne + P(|x| - 1) / Q(|x| - 1)
const erfNear1Over = [
  -0.0023621185607526594, 0.41485611868374833, -0.3722078760357013, 0.31834661990116175, -0.11089469428239668,
  0.035478304325618236, -0.002166375594868791,
];
const erfNear1Under = [
  1, 0.10642088040084423, 0.540397917702171, 0.07182865441419627, 0.12617121980876164, 0.01363708391202905,
  0.011984499846799107,
];
// erfc on [1.25, 1 / 0.35]: exp(-x² - 0.5625 + R(1 / x²) / S(1 / x²)) / x
const erfMiddleOver = [
  -0.009864944034847148, -0.6938585727071818, -10.558626225323291, -62.375332450326006, -162.39666946257347,
  -184.60509290671104, -81.2874355063066, -9.814329344169145,
];
const erfMiddleUnder = [
  1, 19.651271667439257, 137.65775414351904, 434.56587747522923, 645.3872717332679, 429.00814002756783,
  108.63500554177944, 6.570249770319282, -0.0604244152148581,
];
// erfc on [1 / 0.35, 28]
const erfFarOver = [
  -0.0098649429247001, -0.799283237680523, -17.757954917754752, -160.63638485582192, -637.5664433683896,
  -1025.0951316110772, -483.5191916086514,
];
const erfFarUnder = [
  1, 30.33806074348246, 325.7925129965739, 1536.729586084437, 3199.8582195085955, 2553.0504064331644,
  474.52854120695537, -22.44095244658582,
];

/** c[0] + c[1] x + c[2] x² + … */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i]!;
  return sum;
}

const erfDouble = new Float64Array(1);
const erfWords = new Uint32Array(erfDouble.buffer);
// The low word comes first on the machines that run JavaScript today, but not by any rule.
const erfLowWord = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;

/** The number without the lower half of its bits, so that its square is exact. */
function highPart(x: number): number {
  erfDouble[0] = x;
  erfWords[erfLowWord] = 0;
  return erfDouble[0];
}

/** The integral of 2/√π exp(-t²) from 0 to x. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const magnitude = Math.abs(x);
  if (magnitude < 0.84375) {
    if (magnitude < 2 ** -28) return magnitude < 2 ** -1015 ? 0.125 * (8 * x + 8 * erfSlope * x) : x + erfSlope * x;
    const z = x * x;
    return x + x * (polynomial(erfNear0Over, z) / polynomial(erfNear0Under, z));
  }
  const sign = x < 0 ? -1 : 1;
  if (magnitude < 1.25) {
    const s = magnitude - 1;
    return sign * (erfOne + polynomial(erfNear1Over, s) / polynomial(erfNear1Under, s));
  }
  if (magnitude >= 6) return sign;
  const s = 1 / (x * x);
  const ratio =
    magnitude < 1 / 0.35
      ? polynomial(erfMiddleOver, s) / polynomial(erfMiddleUnder, s)
      : polynomial(erfFarOver, s) / polynomial(erfFarUnder, s);
  const z = highPart(magnitude);
  const complement = Math.exp(-z * z - 0.5625) * Math.exp((z - magnitude) * (z + magnitude) + ratio);
  return sign * (1 - complement / magnitude);
}
