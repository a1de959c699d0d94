"""Options that other programs have under other names, and where they belong here."""

from __future__ import annotations

_VARIABLES = "the chat template reads it, so it goes into variables={{{name!r}: ...}} of chat() and render()"
_BACKEND = "what computes is backend= of Model(); libllm.backends() lists what there is"
_QUANTIZE = "weights are computed as the file stores them; libllm.quantize() makes a file of another type"
_GENERATE = "it is a keyword of generate(), chat() and the others that generate"

# {name} is the option itself.
HINTS = {
    _VARIABLES: "enable_thinking thinking reasoning_effort tools documents custom_tools chat_template_kwargs "
    "date_string",
    _BACKEND: "n_gpu_layers gpu_layers ngl num_gpu device device_map main_gpu tensor_split tensor_parallel_size "
    "offload_kqv gpu_memory_utilization",
    _QUANTIZE: "torch_dtype dtype quantization load_in_4bit load_in_8bit",
    _GENERATE: "stop stop_tokens logit_bias grammar json_schema regex choices",
    "use max_tokens=": "max_new_tokens max_length num_predict n_predict max_gen_toks max_completion_tokens "
    "max_tokens_to_sample",
    "use repetition_penalty=": "repeat_penalty rep_pen penalty_repeat",
    "use presence_penalty=": "penalty_present",
    "use frequency_penalty=": "penalty_freq",
    "use penalty_window=": "repeat_last_n penalty_last_n last_n_tokens_size",
    "use stop=": "stop_sequences stop_strings stop_words stopping_criteria until",
    "use stop_tokens=": "stop_token_ids eos_token_id",
    "use n=": "num_return_sequences best_of n_completions",
    "use typical_p=": "typical",
    "use n_logprobs=": "logprobs top_logprobs prompt_logprobs",
    "use temperature=, where 0 is greedy": "do_sample",
    "use json_schema=": "guided_json format",
    "use regex=": "guided_regex",
    "use choices=": "guided_choice",
    "use grammar=": "guided_grammar gbnf",
    "use json_schema=, or chat_completion(response_format=...)": "response_format",
    "use template=": "chat_template chat_format",
    "use add_special=": "add_special_tokens add_bos_token",
    "use stream(), chat_stream() or chat_completion(stream=True)": "stream streaming streamer stream_options",
    "it is an option of Model(), called n_ctx": "num_ctx max_model_len ctx_size context_length max_seq_len "
    "context_window",
    "it is an option of Model(), called n_threads": "num_thread num_threads threads n_threads_batch",
    "it is an option of Model(), called n_batch": "n_ubatch num_batch batch_size max_num_batched_tokens",
    "it is an option of Model(), called n_seqs": "n_parallel parallel max_num_seqs n_seq_max",
    "it is an option of Model(), called kv_dtype": "cache_type_k cache_type_v type_k type_v kv_cache_dtype",
    "it is an option of Model(), called use_mmap": "mmap no_mmap",
    "messages of the role system say it": "system system_prompt system_message",
    "the log goes to logging.getLogger('libllm')": "verbose verbosity",
}
_BY_NAME = {name: hint for hint, names in HINTS.items() for name in names.split()}


def hint_of(name: str) -> str:
    """Where an option belongs; "" if it is not known."""
    return _BY_NAME.get(name.lstrip("-").replace("-", "_"), "").format(name=name)
