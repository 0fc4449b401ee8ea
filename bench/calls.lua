-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends and counts. Told in words after `--`: KIND EXPECTED TOKEN ICCIDS PLANS PREFIX
--   KIND      renew, card, mixed (every other a renewal) or empty
--   EXPECTED  statuses that count, such as 201 or 200,201
--   ICCIDS    a file of card numbers, a line each; each call takes one at random
--   PLANS     codes of plans, separated by commas; each renewal takes one at random
--   PREFIX    what idempotency keys begin with, so that they are new in every run
-- Requests are put together by hand and answers are looked at no further than their status, since wrk shares its cores
-- with what is measured.

local threads = {}

function setup(thread)
  thread:set("thread_number", #threads)
  table.insert(threads, thread)
end

function init(words)
  right, wrong, wrong_status = 0, 0, 0
  local kind, expected, token, iccids_file, plans_words, prefix = unpack(words)
  statuses = {}
  for status in expected:gmatch("%d+") do statuses[tonumber(status)] = true end
  local iccids, plans = {}, {}
  for line in io.lines(iccids_file) do iccids[#iccids + 1] = line end
  for code in plans_words:gmatch("[^,]+") do plans[#plans + 1] = code end
  math.randomseed(os.time() + 7919 * thread_number)
  local head = "Host: " .. wrk.host .. "\r\nAuthorization: Bearer " .. token .. "\r\n"
  local calls = 0

  local function renew()
    local body = '{"iccid":"' .. iccids[math.random(#iccids)] .. '","plan":"' .. plans[math.random(#plans)] .. '"}'
    return "POST /api/v1/renewals HTTP/1.1\r\n" .. head .. "Content-Type: application/json\r\nIdempotency-Key: " ..
      prefix .. "-" .. thread_number .. "-" .. calls .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
  end

  local function card()
    return "GET /api/v1/cards/" .. iccids[math.random(#iccids)] .. " HTTP/1.1\r\n" .. head .. "\r\n"
  end

  local function empty()
    return "GET / HTTP/1.1\r\nHost: " .. wrk.host .. "\r\n\r\n"
  end

  local function mixed()
    return calls % 2 == 0 and renew() or card()
  end

  local make = ({ renew = renew, card = card, mixed = mixed, empty = empty })[kind]
  request = function()
    calls = calls + 1
    return make()
  end
end

function response(status)
  if statuses[status] then
    right = right + 1
  else
    wrong = wrong + 1
    wrong_status = status
  end
end

function done(summary, latency)
  local right, wrong, wrong_status = 0, 0, 0
  for _, thread in ipairs(threads) do
    right = right + thread:get("right")
    wrong = wrong + thread:get("wrong")
    wrong_status = math.max(wrong_status, thread:get("wrong_status"))
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  local counts = {}
  for index = 1, #latency do
    local microseconds, count = latency(index)
    counts[index] = "[" .. microseconds .. "," .. count .. "]"
  end
  io.write(string.format(
    '\nfigures {"microseconds":%d,"right":%d,"wrong":%d,"wrong_status":%d,"lost":%d,"latencies":[%s]}\n',
    summary.duration, right, wrong, wrong_status, lost, table.concat(counts, ",")
  ))
end
