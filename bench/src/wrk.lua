-- Sends the lines of a file in random order, each as the body of a POST, and prints what came of it as one line of JSON.
local bodies, unique, sent = {}, false, 0
local headers = { ["content-type"] = "application/json", ["authorization"] = os.getenv("BENCH_AUTHORIZATION") }

function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  unique = bodies[1]:find("__KEY__", 1, true) ~= nil
  seed = tostring(os.time()) .. tostring({}):gsub("%W", "")
  math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 100000)
end

function request()
  local body = bodies[math.random(#bodies)]
  if unique then
    sent = sent + 1
    body = body:gsub("__KEY__", seed .. "-" .. sent)
  end
  return wrk.format("POST", nil, headers, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"p50":%f,"p90":%f,"p99":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
    latency:percentile(99) / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
