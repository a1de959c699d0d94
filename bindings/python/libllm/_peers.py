"""What other libraries call things, and what they are called here: llama-cpp-python, transformers, vLLM, CTranslate2,
Ollama and OpenAI's client. One table for every call that takes keywords, and one for names that are looked for on an
object or in the module."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, NamedTuple

# What OpenAI's API takes and no answer depends on: who asks, who pays, what is kept.
WITHOUT_EFFECT = (
    "user metadata store service_tier safety_identifier prompt_cache_key prompt_cache_retention prediction "
    "parallel_tool_calls timeout extra_headers extra_query"
).split()


class Row(NamedTuple):
    """theirs: names of other libraries. ours: the keyword here; "": there is none, and note says what to do. In a note,
    {name} is their name."""

    ours: str
    theirs: str
    note: str = ""


KEYWORDS = [
    # what is given
    Row("path", "model_path model model_name model_name_or_path pretrained_model_name_or_path model_id model_dir"),
    Row("prompts", "prompt inputs input_ids prompt_token_ids text_inputs start_tokens tokens"),
    Row("prompt", "prompts inputs input_ids prompt_token_ids text_inputs"),
    Row("messages", "conversation conversations chat_history prompt inputs"),
    Row("texts", "input inputs text sentences prompts documents"),
    Row("text", "inputs prompt input string"),
    Row("ids", "tokens token_ids sequences input_ids"),
    Row("input", "inputs texts prompt"),
    Row("source", "input_path input model_path"),
    Row("target", "output_path output_dir output"),
    # how much is written, and where it ends
    Row("max_tokens", "max_new_tokens num_predict n_predict max_gen_toks max_completion_tokens max_tokens_to_sample"),
    Row("max_tokens", "max_length max_decoding_length max_output_tokens", "the prompt does not count"),
    Row("", "min_tokens min_new_tokens min_length", "ignore_eos=True with max_tokens= writes that many tokens"),
    Row("stop", "stop_sequences stop_strings stop_words stopping_criteria until stops"),
    Row("stop_tokens", "stop_token_ids eos_token_id end_token eos_token_ids"),
    Row("n", "num_return_sequences n_completions num_hypotheses"),
    Row("n", "best_of", "and take the completion of the largest logprob"),
    Row("", "echo return_full_text include_prompt_in_result", "text never repeats the prompt: join the two yourself"),
    Row("", "include_stop_str_in_output", "text ends before the stop string"),
    Row("", "suffix", "nothing is filled in: write the model's own marks for that, with parse_special=True"),
    # how tokens are drawn
    Row("temperature", "temp do_sample greedy sampling_temperature", "0 always takes the most probable token"),
    Row("top_k", "sampling_topk"),
    Row("top_p", "sampling_topp"),
    Row("typical_p", "typical typical_sampling"),
    Row("repetition_penalty", "repeat_penalty rep_pen penalty_repeat"),
    Row("presence_penalty", "penalty_present"),
    Row("frequency_penalty", "penalty_freq"),
    Row("penalty_window", "repeat_last_n penalty_last_n last_n_tokens_size"),
    Row("seed", "random_seed rng_seed generator"),
    Row("n_logprobs", "logprobs top_logprobs return_log_probs num_logprobs"),
    Row("", "prompt_logprobs logits_all", "score() gives the log-probabilities of a given text"),
    Row("logit_bias", "bad_words bad_words_ids suppress_tokens suppress_sequences allowed_token_ids sequence_bias"),
    Row(
        "",
        "tfs_z mirostat mirostat_mode mirostat_tau mirostat_eta xtc_probability xtc_threshold dry_multiplier dry_base "
        "top_a eta_cutoff epsilon_cutoff penalty_alpha no_repeat_ngram_size samplers",
        "there is no such sampler here: temperature=, top_k=, top_p=, min_p= and typical_p= are",
    ),
    Row(
        "",
        "num_beams beam_size use_beam_search length_penalty num_beam_groups patience diversity_penalty",
        "there is no beam search: take the best of n= completions by their logprob, or search with model.sequence()",
    ),
    Row(
        "",
        "logits_processor logits_processors prefix_allowed_tokens_fn output_logits output_scores return_logits_vocab "
        "return_dict_in_generate output_hidden_states output_attentions callback",
        "model.sequence() gives the logits, for a sampling of one's own",
    ),
    # what the text must look like
    Row("json_schema", "guided_json format response_model"),
    Row("json_schema", "response_format", "or chat_completion(response_format=...)"),
    Row("regex", "guided_regex"),
    Row("choices", "guided_choice"),
    Row("grammar", "guided_grammar gbnf"),
    Row("", "guided_decoding structured_outputs", "json_schema=, regex=, choices= or grammar= say it"),
    # how it is given
    Row("", "stream streaming streamer", "stream(), chat_stream() and create_completion(stream=True) give pieces"),
    Row("", "stream_options", "it goes with chat_completion(stream=True) or create_completion(stream=True)"),
    Row("progress", "use_tqdm show_progress show_progress_bar progress_bar"),
    Row("", "sampling_params generation_config generate_kwargs options", "give its members as keywords"),
    Row("", "extra_body model_kwargs", "give its members as keywords"),
    # conversations
    Row("template", "chat_template chat_format chat_handler"),
    Row("continue_final_message", "prefill"),
    Row("", "system system_prompt system_message", "a message of the role system says it"),
    Row(
        "",
        "tools documents",
        "the chat template reads it: variables={{{name!r}: ...}} of chat() and render(), or chat_completion()",
    ),
    Row(
        "",
        "enable_thinking thinking reasoning_effort custom_tools chat_template_kwargs date_string",
        "the chat template reads it: variables={{{name!r}: ...}} of chat() and render()",
    ),
    Row("", "functions", "use tools= of chat_completion()"),
    Row("", "function_call", "use tool_choice= of chat_completion()"),
    Row("", " ".join(["tool_choice", *WITHOUT_EFFECT]), "it is a parameter of chat_completion()"),
    Row(
        "",
        "modalities audio images image_data multi_modal_data mmproj clip_model_path",
        "only text is read and written",
    ),
    Row("", "web_search_options", "nothing is searched"),
    Row("", "dimensions encoding_format", "it is a parameter of create_embedding()"),
    # the model
    Row("n_ctx", "num_ctx max_model_len ctx_size context_length max_seq_len context_window max_position_embeddings"),
    Row("n_threads", "num_thread num_threads threads n_threads_batch intra_threads"),
    Row("n_batch", "n_ubatch num_batch max_num_batched_tokens"),
    Row("n_seqs", "n_parallel parallel max_num_seqs n_seq_max batch_size max_batch_size inter_threads"),
    Row("n_kv_tokens", "kv_cache_memory_bytes swap_space num_gpu_blocks_override", "counted in tokens"),
    Row("kv_dtype", "cache_type_k cache_type_v type_k type_v kv_cache_dtype"),
    Row("prefix_cache", "enable_prefix_caching cache_prompt use_cache static_prompt"),
    Row("use_mmap", "mmap no_mmap"),
    Row("use_mmap", "use_mlock mlock", "False reads the file into memory; nothing is locked there"),
    Row("tokenizer_only", "vocab_only skip_tokenizer_init"),
    Row(
        "backend",
        "n_gpu_layers gpu_layers ngl num_gpu device device_map device_index main_gpu tensor_split "
        "tensor_parallel_size split_mode offload_kqv gpu_memory_utilization",
        "libllm.backends() lists what there is to compute with",
    ),
    Row(
        "",
        "torch_dtype dtype compute_type quantization quantization_config load_in_4bit load_in_8bit",
        "weights are computed as the file stores them; libllm.quantize() makes a file of another type",
    ),
    Row("path", "repo_id", "libllm downloads nothing: `hf download REPO --local-dir FOLDER`, then the FOLDER"),
    Row(
        "",
        "filename revision token use_auth_token cache_dir local_dir local_files_only download_dir subfolder",
        "libllm downloads nothing: `hf download REPO --local-dir FOLDER`, then Model(FOLDER)",
    ),
    Row("", "trust_remote_code", "no program that comes with a model is ever run: leave it out"),
    Row("", "tokenizer tokenizer_mode hf_model_repo_id tokenizer_path", "a model has its own tokenizer"),
    Row("", "lora_path lora_scale lora_base lora_request enable_lora", "merge the adapter into the model's file first"),
    Row("", "draft_model speculative_config assistant_model num_speculative_tokens", "nothing is drafted"),
    Row(
        "",
        "rope_freq_base rope_freq_scale rope_scaling rope_scaling_type rope_theta hf_overrides yarn_ext_factor",
        "positions are scaled as the model's file says",
    ),
    Row(
        "",
        "flash_attn flash_attention attn_implementation enforce_eager numa",
        "there is nothing to choose: leave it out",
    ),
    Row("", "embedding embeddings task runner", "embed() needs no option: leave it out"),
    Row("", "verbosity", "a message says how long the answer shall be"),
    Row("", "verbose disable_log_stats", "the log goes to logging.getLogger('libllm')"),
    # tokens
    Row("add_special", "add_special_tokens add_bos_token add_bos prepend_bos"),
    Row("parse_special", "special parse_special_tokens split_special_tokens"),
    Row("skip_special", "skip_special_tokens"),
    Row("", "tokenize return_dict", "a rendering has both text and ids"),
    Row(
        "",
        "return_tensors padding truncation attention_mask pad_token_id return_attention_mask truncate_prompt_tokens",
        "ids are one row, neither padded nor cut: numpy.asarray(ids), torch.tensor(ids)",
    ),
    # embeddings
    Row("pooling", "pooling_type pooling_method"),
    Row("normalize", "normalize_embeddings"),
]
# Keywords that are no rows of the option table, and whose they are.
_GENERATING = "generate(), chat() and the others that generate"
OWNERS = {
    **dict.fromkeys("stop stop_tokens logit_bias grammar json_schema regex choices".split(), _GENERATING),
    "template": "chat() and render()",
    "variables": "chat() and render()",
    "add_generation_prompt": "chat() and render()",
    "skip_special": "detokenize()",
    "pooling": "embed()",
    "normalize": "embed()",
    "progress": "Model(), generate(), score(), embed() and quantize()",
    "runtime": "Model()",
}

_BY_KEYWORD: dict[str, list[Row]] = {}
for _row in KEYWORDS:
    for _name in _row.theirs.split():
        _BY_KEYWORD.setdefault(_name, []).append(_row)


def is_theirs(name: str, ours: Container[str]) -> bool:
    """Whether a keyword of others is one of these here."""
    return any(row.ours in ours for row in _BY_KEYWORD.get(name, ()))


def hint_of(name: str, known: Container[str], owner: Callable[[str], str]) -> str:
    """What to do instead of giving a keyword of others; "" if nobody has it. known: the keywords of the call; owner:
    whose another one is."""
    rows = _BY_KEYWORD.get(name.lstrip("-").replace("-", "_"))
    if not rows:
        return ""
    row = next((row for row in rows if row.ours in known), rows[0])
    if not row.ours:
        return row.note.format(name=name)
    place = "" if row.ours in known else f" of {owner(row.ours)}" if owner(row.ours) else ""
    return f"use {row.ours}={place}" + (f" ({row.note})" if row.note else "")


# ---- names of objects and of the module ----

_NO_STATE = "a prompt that was computed before is reused by itself"
_LOGITS = "use sequence(), which gives logits"
_MEMBERS = "its members are keywords of generate() and chat()"
_SPECIAL = 'use tokenizer.special("eos") and the like'
_NOTHING = "there is nothing to do: leave it out"
ATTRIBUTES: dict[str, dict[str, str]] = {
    "Model": {
        "n_vocab": "use info.n_vocab",
        "n_embd": "use info.n_embd",
        "n_params": "use info.n_params",
        "n_ctx_train": "use info.n_ctx_train",
        "config": "use info and meta",
        "metadata": "use meta",
        "apply_chat_template": "use render()",
        "encode": "use tokenize(), or embed() for a vector",
        "decode": "use detokenize()",
        "get_tokenizer": "use tokenizer",
        "create_chat_completion_openai_v1": "use create_chat_completion()",
        "completions": "use create_completion()",
        "embeddings": "use create_embedding()",
        "responses": "use create_chat_completion()",
        "generate_batch": "use generate()",
        "score_batch": "use score()",
        "generate_tokens": "use stream()",
        "invoke": "use generate(), or libllm.adapters.langchain",
        "to": _NOTHING,
        "cuda": _NOTHING,
        "reset": _NO_STATE,
        "set_cache": _NO_STATE,
        "save_state": _NO_STATE,
        "load_state": _NO_STATE,
        "set_seed": "use seed=",
        "eval": "there is nothing to do before generate(); sequence() gives logits",
        "sample": _LOGITS,
        "forward_batch": _LOGITS,
        "scores": _LOGITS,
        **dict.fromkeys("token_bos token_eos token_nl eos_token_id bos_token_id".split(), _SPECIAL),
    },
    "Tokenizer": {
        **dict.fromkeys(
            "eos_token_id bos_token_id pad_token_id unk_token_id".split(), 'use special("eos") and the like'
        ),
        "vocab_size": "use len(tokenizer)",
        "apply_chat_template": "use Model.render()",
        "convert_ids_to_tokens": "use token(id).text",
        "convert_tokens_to_ids": "use find(text)",
        "batch_decode": "use decode(), one by one",
        "tokenize": "use encode()",
        "detokenize": "use decode()",
    },
    "Result": {
        "choices": "use text, and result[i] of several; create_completion() answers in OpenAI's shape",
        "outputs": "use text, and result[i] of several",
        "generated_text": "use text",
        "prompt": "results are in the order of the prompts: zip(prompts, results)",
        "prompt_token_ids": "results are in the order of the prompts: zip(prompts, results)",
        "content": "use text",
        "message": "use text",
        "sequences": "use ids",
        "sequences_ids": "use ids",
        "token_ids": "use ids",
        "tokens": "use ids",
        "cumulative_logprob": "use logprob",
        "scores": "use logprobs",
        "usage": "use stats",
        "metrics": "use stats",
    },
    "Reply": {
        "model_dump": "use to_dict()",
        "dict": "use to_dict()",
        "model_dump_json": "use json.dumps(reply)",
        "to_json": "use json.dumps(reply)",
        "json": "use json.dumps(reply)",
        "parsed": "use Class.model_validate_json(message.content) of the class that the schema is of",
        "output_text": "use choices[0].message.content",
        "text": "use choices[0].message.content, or choices[0].text of create_completion()",
    },
    "libllm": {
        **dict.fromkeys(
            "Llama LLM LlamaModel AutoModelForCausalLM AutoModel Generator Translator".split(), "use Model"
        ),
        **dict.fromkeys("AsyncLLMEngine AsyncLLM pipeline load OpenAI AsyncOpenAI Client".split(), "use Model"),
        "AutoTokenizer": "use Tokenizer",
        "LlamaTokenizer": "use Tokenizer",
        "LlamaGrammar": "use Grammar",
        "SamplingParams": _MEMBERS,
        "GenerationConfig": _MEMBERS,
        "GuidedDecodingParams": "use json_schema=, regex=, choices= and grammar= of generate()",
        "set_seed": "use seed= of generate()",
        "TextStreamer": "use Model.stream()",
        "TextIteratorStreamer": "use Model.stream()",
        "BitsAndBytesConfig": "use quantize()",
        "generate": "use Model(path).generate()",
        "chat": "use Model(path).chat()",
    },
}


def missing(thing: Any, owner: str, name: str) -> AttributeError:
    """What is raised where an object, or the module, has no such name."""
    if isinstance(getattr(type(thing), name, None), property):  # it has, but in it another was missing
        try:
            object.__getattribute__(thing, name)
        except AttributeError as error:
            return error
    here = ATTRIBUTES[owner].get(name)
    return AttributeError(f"{owner} has no {name!r}" + (f": {here}" if here else ""), name=name, obj=thing)
