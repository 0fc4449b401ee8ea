# SPDX-License-Identifier: Apache-2.0
"""Statements of reconciliation, each for a whole file."""

#: The captures that lines name.
CAPTURES = """
    SELECT capture.id, capture.reference, capture.amount_minor, capture.currency, payment.purpose, capture.captured_at
      FROM payments_capture AS capture
      JOIN payments_payment AS payment ON payment.id = capture.payment_id
     WHERE capture.provider = %(provider)s::text AND capture.reference = ANY(%(references)s::text[])
"""

#: The refunds that lines name, by the provider's reference or by our key, or those of the captures that lines name.
REFUNDS = """
    SELECT refund.id, capture.id, refund.reference, refund.key::text, refund.amount_minor, capture.currency,
           payment.purpose, refund.requested_at, coalesce(refund.done_at, refund.requested_at), refund.state,
           capture.reference, line.id IS NULL
      FROM payments_refund AS refund
      JOIN payments_capture AS capture ON capture.id = refund.capture_id
      JOIN payments_payment AS payment ON payment.id = capture.payment_id
      LEFT JOIN reports_settledline AS line ON line.refund_id = refund.id AND line.kind = 'refund'
     WHERE capture.provider = %(provider)s::text
       AND (refund.reference = ANY(%(references)s::text[]) OR refund.key = ANY(%(keys)s::uuid[])
            OR %(nameless)s::bool AND capture.reference = ANY(%(references)s::text[]))
     ORDER BY refund.id
"""

#: The disputes that lines name, by the provider's reference of the dispute or of its capture.
DISPUTES = """
    SELECT dispute.id, capture.id, dispute.reference, capture.reference, dispute.amount_minor, capture.currency,
           payment.purpose, dispute.opened_at, coalesce(dispute.ended_at, dispute.opened_at), dispute.state
      FROM payments_dispute AS dispute
      JOIN payments_capture AS capture ON capture.id = dispute.capture_id
      JOIN payments_payment AS payment ON payment.id = capture.payment_id
     WHERE dispute.provider = %(provider)s::text
       AND (dispute.reference = ANY(%(references)s::text[]) OR capture.reference = ANY(%(references)s::text[]))
     ORDER BY dispute.id
"""

#: What earlier files have told of these.
KNOWN = """
    SELECT kind, identity FROM reports_settledline
     WHERE provider = %(provider)s::text AND identity = ANY(%(references)s::text[])
"""

#: What earlier files have told twice of these.
KNOWN_TWICE = """
    SELECT line_kind, identity FROM reports_settlementdifference
     WHERE provider = %(provider)s::text AND kind = 'twice-in-file' AND identity = ANY(%(references)s::text[])
"""

#: Captures of the file's time that no file has.
MISSING_CAPTURES = """
    INSERT INTO reports_settlementdifference
           (file_id, provider, kind, day, capture_id, purpose, our_reference, our_amount_minor, our_currency, our_at,
            line_kind, identity, capture_reference, currency, resolved_by, note)
    SELECT %(file)s::bigint, %(provider)s::text, 'missing-there',
           (capture.captured_at AT TIME ZONE %(zone)s::text)::date, capture.id, payment.purpose, capture.reference,
           capture.amount_minor, capture.currency, capture.captured_at, 'capture', '', '', '', '', ''
      FROM payments_capture AS capture
      JOIN payments_payment AS payment ON payment.id = capture.payment_id
     WHERE capture.provider = %(provider)s::text
       AND capture.captured_at >= %(begins_at)s::timestamptz AND capture.captured_at < %(ends_at)s::timestamptz
       AND NOT EXISTS (SELECT FROM reports_settledline AS line
                        WHERE line.capture_id = capture.id AND line.kind = 'capture')
     ORDER BY capture.id
        ON CONFLICT DO NOTHING
"""

#: Refunds that are done and that no file has, if files tell of all the time in which their provider may have booked it.
MISSING_REFUNDS = """
    INSERT INTO reports_settlementdifference
           (file_id, provider, kind, day, capture_id, refund_id, purpose, our_reference, our_amount_minor, our_currency,
            our_at, line_kind, identity, capture_reference, currency, resolved_by, note)
    SELECT %(file)s::bigint, %(provider)s::text, 'missing-there',
           (refund.done_at AT TIME ZONE %(zone)s::text)::date, capture.id, refund.id, payment.purpose,
           refund.reference, refund.amount_minor, capture.currency, refund.done_at, 'refund', '', '', '', '', ''
      FROM payments_refund AS refund
      JOIN payments_capture AS capture ON capture.id = refund.capture_id
      JOIN payments_payment AS payment ON payment.id = capture.payment_id
     WHERE capture.provider = %(provider)s::text AND refund.state = 'done'
       AND refund.done_at >= %(begins_at)s::timestamptz AND refund.requested_at < %(ends_at)s::timestamptz
       AND (SELECT range_agg(tstzrange(begins_at, ends_at)) FROM reports_settlementfile
             WHERE provider = %(provider)s::text) @> tstzrange(refund.requested_at, refund.done_at, '[]')
       AND NOT EXISTS (SELECT FROM reports_settledline AS line
                        WHERE line.refund_id = refund.id AND line.kind = 'refund')
     ORDER BY refund.id
        ON CONFLICT DO NOTHING
"""

#: Disputes of the file's time that no file has.
MISSING_DISPUTES = """
    INSERT INTO reports_settlementdifference
           (file_id, provider, kind, day, capture_id, dispute_id, purpose, our_reference, our_amount_minor,
            our_currency, our_at, line_kind, identity, capture_reference, currency, resolved_by, note)
    SELECT %(file)s::bigint, %(provider)s::text, 'missing-there',
           (dispute.opened_at AT TIME ZONE %(zone)s::text)::date, capture.id, dispute.id, payment.purpose,
           dispute.reference, dispute.amount_minor, capture.currency, dispute.opened_at, 'dispute', '', '', '', '', ''
      FROM payments_dispute AS dispute
      JOIN payments_capture AS capture ON capture.id = dispute.capture_id
      JOIN payments_payment AS payment ON payment.id = capture.payment_id
     WHERE dispute.provider = %(provider)s::text
       AND dispute.opened_at >= %(begins_at)s::timestamptz AND dispute.opened_at < %(ends_at)s::timestamptz
       AND NOT EXISTS (SELECT FROM reports_settledline AS line
                        WHERE line.dispute_id = dispute.id AND line.kind = 'dispute')
     ORDER BY dispute.id
        ON CONFLICT DO NOTHING
"""

#: What was missing there, and stands in the new file.
FOUND_THERE = """
    UPDATE reports_settlementdifference AS difference
       SET resolved_at = %(now)s::timestamptz, resolved_by = %(by)s::text, note = 'line ' || line.number
      FROM reports_settledline AS line
     WHERE line.file_id = %(file)s::bigint AND difference.kind = 'missing-there' AND difference.resolved_at IS NULL
       AND line.kind = difference.line_kind
       AND (line.kind = 'capture' AND line.capture_id = difference.capture_id
            OR line.kind = 'refund' AND line.refund_id = difference.refund_id
            OR line.kind = 'dispute' AND line.dispute_id = difference.dispute_id)
"""

#: Captures that a file had and our books had not, and that our books have now: of the same amount, or it stays open.
CAPTURES_FOUND_HERE = """
    WITH found AS (
        UPDATE reports_settlementdifference AS difference
           SET resolved_at = %(now)s::timestamptz, resolved_by = 'books', note = ''
          FROM payments_capture AS capture
         WHERE difference.provider = %(provider)s::text AND difference.kind = 'missing-here'
           AND difference.line_kind = 'capture' AND difference.resolved_at IS NULL
           AND capture.provider = difference.provider AND capture.reference = difference.identity
           AND capture.amount_minor = difference.amount_minor AND capture.currency = difference.currency
        RETURNING difference.identity, capture.id
    )
    UPDATE reports_settledline AS line SET capture_id = found.id
      FROM found
     WHERE line.provider = %(provider)s::text AND line.kind = 'capture' AND line.identity = found.identity
"""

#: The same of refunds, those that somebody seemed to have made by hand too; and of their coming back.
REFUNDS_FOUND_HERE = """
    WITH found AS (
        UPDATE reports_settlementdifference AS difference
           SET resolved_at = %(now)s::timestamptz, resolved_by = 'books', note = ''
          FROM payments_refund AS refund
          JOIN payments_capture AS capture ON capture.id = refund.capture_id
         WHERE difference.provider = %(provider)s::text AND difference.kind IN ('missing-here', 'refund-by-hand')
           AND difference.resolved_at IS NULL AND capture.provider = difference.provider
           AND difference.identity IN (refund.reference, refund.key::text, replace(refund.key::text, '-', ''))
           AND refund.amount_minor = difference.amount_minor AND capture.currency = difference.currency
           AND (difference.line_kind = 'refund' AND refund.state IN ('sent', 'done')
                OR difference.line_kind = 'refund_returned' AND refund.state NOT IN ('requested', 'sent', 'done'))
        RETURNING difference.line_kind, difference.identity, refund.id
    )
    UPDATE reports_settledline AS line SET refund_id = found.id
      FROM found
     WHERE line.provider = %(provider)s::text AND line.kind = found.line_kind AND line.identity = found.identity
"""

#: Disputes that nobody had told us of, and their ends.
DISPUTES_FOUND_HERE = """
    WITH found AS (
        UPDATE reports_settlementdifference AS difference
           SET resolved_at = %(now)s::timestamptz, resolved_by = 'books', note = ''
          FROM payments_dispute AS dispute
          JOIN payments_capture AS capture ON capture.id = dispute.capture_id
         WHERE difference.provider = %(provider)s::text AND difference.kind IN ('dispute-unknown', 'missing-here')
           AND difference.resolved_at IS NULL AND dispute.provider = difference.provider
           AND (dispute.reference = difference.identity OR capture.reference = difference.capture_reference)
           AND dispute.amount_minor = difference.amount_minor AND capture.currency = difference.currency
           AND (difference.line_kind = 'dispute'
                OR difference.line_kind = 'dispute_returned' AND dispute.state = 'won')
        RETURNING difference.line_kind, difference.identity, dispute.id
    )
    UPDATE reports_settledline AS line SET dispute_id = found.id
      FROM found
     WHERE line.provider = %(provider)s::text AND line.kind = found.line_kind AND line.identity = found.identity
"""

#: Refunds that went although our books say that they failed, and have come back by now.
REFUNDS_CAME_BACK = """
    UPDATE reports_settlementdifference AS difference
       SET resolved_at = %(now)s::timestamptz, resolved_by = 'file:' || line.file_id, note = 'line ' || line.number
      FROM reports_settledline AS line
     WHERE difference.provider = %(provider)s::text AND difference.kind = 'missing-here'
       AND difference.line_kind = 'refund' AND difference.resolved_at IS NULL
       AND line.provider = difference.provider AND line.kind = 'refund_returned' AND line.identity = difference.identity
"""

#: What lines of a file come to, by the brand's days.
FIGURES = """
    SELECT (booked_at AT TIME ZONE %(zone)s::text)::date AS day, kind, currency, count(*), sum(amount_minor)::bigint,
           coalesce(sum(fee_minor), 0)::bigint
      FROM reports_settledline
     WHERE file_id = %(file)s::bigint
     GROUP BY day, kind, currency
     ORDER BY day, kind, currency
"""
