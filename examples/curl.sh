#!/bin/sh
# Plain HTTP: submit, poll, download.
# sh examples/curl.sh examples/cat.jpg "make it black and white" edited.jpg
set -eu
image=$1 prompt=$2 output=$3
url=${OVERPAINT_URL:-http://127.0.0.1:8000}
key="Authorization: Bearer $OVERPAINT_API_KEY"

# The picture travels as base64 in the JSON, by stdin: it may be larger than a command line.
task=$(curl -sf "$url/v3/async/qwen-image-edit" -H "$key" -H "Content-Type: application/json" -d @- <<END | cut -d '"' -f 4
{"prompt": "$prompt", "image": "$(base64 < "$image" | tr -d '\n')"}
END
)
echo "$task"

while :; do
    result=$(curl -sf "$url/v3/async/task-result?task_id=$task" -H "$key")
    case $result in
        *TASK_STATUS_SUCCEED*) break ;;
        *TASK_STATUS_FAILED*) echo "$result" >&2; exit 1 ;;
    esac
    sleep 0.5
done

# The link is signed: it needs no key, and ends after an hour; a later poll gives a fresh one.
curl -sf -o "$output" "$(echo "$result" | grep -o '"image_url":"[^"]*"' | cut -d '"' -f 4)"
