/** The words that WGSL, or the code around a kernel, uses: nothing in a kernel is called so. */

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** Keywords, and the words that the specification reserves for later. */
const reserved = words(`
  alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let
  loop override requires return struct switch true var while
  NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await
  co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit
  crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends extern external
  fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements import inline instanceof
  interface layout lowp macro macro_rules match mediump meta mod module move mut mutable namespace new nil noexcept
  noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package packoffset partial
  pass patch pixelfragment precise precision premerge priv protected pub public readonly ref regardless register
  reinterpret_cast require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std
  subroutine super target template this thread_local throw trait try type typedef typeid typename typeof union unless
  unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield
`);

/** Types and functions of the language that kernels use. */
const used = words(`
  array atomic bool f16 f32 i32 u32 mat2x2f ptr sampler texture_2d vec2 vec3 vec4 vec2f vec3f vec4f vec2i vec3i vec4i
  vec2u vec3u vec4u vec2h vec4h bitcast select abs ceil clamp cos dot exp exp2 floor fma inverseSqrt log log2 max min pow round
  sign sin sqrt tanh trunc quantizeToF16 workgroupBarrier storageBarrier arrayLength subgroupAdd subgroupMax
  subgroupMin subgroupElect subgroupExclusiveAdd subgroups
`);

/** What the code around a kernel is called. */
const around = words("main sizes Sizes workgroup workgroups lane");

export const wgslWords: ReadonlySet<string> = new Set([...reserved, ...used, ...around]);
