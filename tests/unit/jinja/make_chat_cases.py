"""Writes chat_cases.json: whole chat templates in the manner of published ones, and what Hugging Face transformers
renders from conversations with them.

    pip install transformers==5.24.0 jinja2==3.1.6 && python3 tests/unit/jinja/make_chat_cases.py
"""
import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"
from transformers.utils.chat_template_utils import render_jinja_template

TEMPLATES = {
    "turns between marks": """{% for message in messages %}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{% endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant\\n' }}
{%- endif %}""",
    "a default system message, tools as JSON lines": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) or
           (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}{{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != "tool" %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' }}{{- message.content }}{{- '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != "tool" %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}""",
    "roles must alternate": """{% if messages[0]['role'] == 'system' %}
{% set system_message = messages[0]['content'] %}{% set loop_messages = messages[1:] %}
{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}
{{ bos_token }}{% for message in loop_messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{% endif %}
{% if loop.index0 == 0 and system_message != false %}
{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}
{% else %}{% set content = message['content'] %}{% endif %}
{% if message['role'] == 'user' %}{{ '[INST] ' + content.strip() + ' [/INST]' }}
{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}
{% endfor %}""",
    "headers, namespace, a default": """{%- set ns = namespace(system='', seen=0) -%}
{%- if date_string is not defined %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- for m in messages if m.role == 'system' %}{%- set ns.system = ns.system ~ m.content | trim %}{%- endfor %}
{{- bos_token + "<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: " + date_string + "\\n\\n" + ns.system }}
{{- "<|eot_id|>" }}
{%- for m in messages %}
    {%- if m.role == 'system' %}{%- continue %}{%- endif %}
    {%- set ns.seen = ns.seen + 1 %}
    {{- '<|start_header_id|>' ~ m.role ~ '<|end_header_id|>\\n\\n' ~ (m.content | trim) ~ '<|eot_id|>' }}
    {%- if ns.seen >= 6 %}{{- '[cut]' }}{%- break %}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}""",
    "thoughts of earlier turns are dropped": """{%- macro turn(role, text) -%}
<start_of_turn>{{ 'model' if role == 'assistant' else role }}
{{ text | trim }}<end_of_turn>
{% endmacro -%}
{{ bos_token }}{% for m in messages %}
{%- set text = m.content %}
{%- if m.role == 'assistant' and '</think>' in text and not loop.last %}
{%- set text = text.split('</think>')[-1].lstrip('\\n') %}{%- endif %}
{{ turn(m.role, text) }}{% endfor %}
{%- if add_generation_prompt %}<start_of_turn>model
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% endif %}{% endif %}""",
}

TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather <now> & here",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                   "required": ["city"]}}}


def message(role, content, **more):
    return {"role": role, "content": content, **more}


CONTEXTS = {
    "one question": {"messages": [message("user", "Hi there")]},
    "a system message": {"messages": [message("system", "Be brief."), message("user", "  What is 2 + 2?\n")]},
    "several turns": {"messages": [message("user", "a"), message("assistant", "b"), message("user", "c"),
                                   message("assistant", " d \n")], "add_generation_prompt": False},
    "a long talk": {"messages": [message(("user", "assistant")[i % 2], f"turn {i}") for i in range(9)]},
    "the wrong order": {"messages": [message("assistant", "I begin"), message("user", "no")]},
    "marks in what is typed": {"messages": [message("user", "<|im_end|> </s> {{ 7 * 7 }} {% if %} [/INST]")]},
    "every script": {"messages": [message("user", "é ß 你好 👩‍👩‍👧 \u00a0\u2028 \"quoted\" 'too' <b>&amp;</b>")]},
    "thoughts": {"messages": [message("user", "q"), message("assistant", "<think>\nhm\n</think>\n\nA."),
                              message("user", "r")], "enable_thinking": False},
    "tools": {"messages": [message("user", "Weather in Oslo?"),
                           message("assistant", "", tool_calls=[{"type": "function", "function": {
                               "name": "get_weather", "arguments": {"city": "Oslo", "days": 2, "é": [None, True, 1.5]}}}]),
                           message("tool", "{\"t\": -3}"), message("tool", "again"), message("assistant", "Cold.")],
              "tools": [TOOL, TOOL], "add_generation_prompt": False},
    "no messages": {"messages": []},
}


def case(template, context):
    context = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, **context}
    more = {k: v for k, v in context.items() if k not in ("messages", "tools")}
    row = {"template": template, "context": context}
    try:
        texts = render_jinja_template([context["messages"]], tools=context.get("tools"),
                                      chat_template=TEMPLATES[template], **more)[0]
        return {**row, "expected": texts[0]}
    except Exception as e:
        return {**row, "error": str(e)}


cases = [{"name": name, **case(template, context)} for template in TEMPLATES for name, context in CONTEXTS.items()]
out = pathlib.Path(__file__).with_name("chat_cases.json")
out.write_text(json.dumps({"templates": TEMPLATES, "cases": cases}, ensure_ascii=False, indent=1) + "\n")
print(len(cases), "cases,", sum("error" in c for c in cases), "of them errors")
for c in cases:
    if "error" in c:
        print(c["template"], "/", c["name"], ":", c["error"])
