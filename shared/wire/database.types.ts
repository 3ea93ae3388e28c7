export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  
  "public": {
          Tables: {
            "accounts": {
                  Row: {
                    "cash": number,"day": string,"day_notional": number,"degraded": boolean,"degraded_reason": string | null,"degraded_since": string | null,"empty_scans": number,"equity_high_water": number | null,"mode": string,"opened_at": string | null,"reserved_cash": number,"safe_mode": boolean,"safe_mode_reason": string | null,"safe_mode_since": string | null,"safe_mode_until": string | null,"updated_at": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "cash"?: number,"day"?: string,"day_notional"?: number,"degraded"?: boolean,"degraded_reason"?: string | null,"degraded_since"?: string | null,"empty_scans"?: number,"equity_high_water"?: number | null,"mode": string,"opened_at"?: string | null,"reserved_cash"?: number,"safe_mode"?: boolean,"safe_mode_reason"?: string | null,"safe_mode_since"?: string | null,"safe_mode_until"?: string | null,"updated_at"?: string,"version"?: number
                  }
                  Update: {
                    "cash"?: number,"day"?: string,"day_notional"?: number,"degraded"?: boolean,"degraded_reason"?: string | null,"degraded_since"?: string | null,"empty_scans"?: number,"equity_high_water"?: number | null,"mode"?: string,"opened_at"?: string | null,"reserved_cash"?: number,"safe_mode"?: boolean,"safe_mode_reason"?: string | null,"safe_mode_since"?: string | null,"safe_mode_until"?: string | null,"updated_at"?: string,"version"?: number
                  }
                  Relationships: [
                    
                  ]
                },"alerts": {
                  Row: {
                    "acknowledged_at": string | null,"acknowledged_by": string | null,"action": string,"count": number,"detail": string,"evidence": NonNullable<Json>,"id": string,"key": string,"kind": string,"last_seen_at": string,"mode": string | null,"opened_at": string,"resolved_at": string | null,"severity": string,"title": string
                  }
                  ComputedFields: never
                  Insert: {
                    "acknowledged_at"?: string | null,"acknowledged_by"?: string | null,"action": string,"count"?: number,"detail": string,"evidence"?: NonNullable<Json>,"id"?: string,"key"?: string,"kind": string,"last_seen_at"?: string,"mode"?: string | null,"opened_at"?: string,"resolved_at"?: string | null,"severity": string,"title": string
                  }
                  Update: {
                    "acknowledged_at"?: string | null,"acknowledged_by"?: string | null,"action"?: string,"count"?: number,"detail"?: string,"evidence"?: NonNullable<Json>,"id"?: string,"key"?: string,"kind"?: string,"last_seen_at"?: string,"mode"?: string | null,"opened_at"?: string,"resolved_at"?: string | null,"severity"?: string,"title"?: string
                  }
                  Relationships: [
                    
                  ]
                },"audit_seals": {
                  Row: {
                    "hash": string,"id": number,"previous_hash": string,"row_ids": (number)[],"row_marks": string,"sealed_at": string,"table_name": string
                  }
                  ComputedFields: never
                  Insert: {
                    "hash": string,"id"?: never,"previous_hash": string,"row_ids": (number)[],"row_marks": string,"sealed_at"?: string,"table_name": string
                  }
                  Update: {
                    "hash"?: string,"id"?: never,"previous_hash"?: string,"row_ids"?: (number)[],"row_marks"?: string,"sealed_at"?: string,"table_name"?: string
                  }
                  Relationships: [
                    
                  ]
                },"candidate_scans": {
                  Row: {
                    "created_at": string,"id": number,"info": NonNullable<Json>,"mode": string,"no_data_reason": string | null,"recommended_strategy": string | null,"run_id": string | null,"score": number | null,"score_breakdown": NonNullable<Json>,"symbol": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"id"?: never,"info"?: NonNullable<Json>,"mode": string,"no_data_reason"?: string | null,"recommended_strategy"?: string | null,"run_id"?: string | null,"score"?: number | null,"score_breakdown"?: NonNullable<Json>,"symbol": string
                  }
                  Update: {
                    "created_at"?: string,"id"?: never,"info"?: NonNullable<Json>,"mode"?: string,"no_data_reason"?: string | null,"recommended_strategy"?: string | null,"run_id"?: string | null,"score"?: number | null,"score_breakdown"?: NonNullable<Json>,"symbol"?: string
                  }
                  Relationships: [
                    
                  ]
                },"cash_ledger": {
                  Row: {
                    "actor": string,"amount": number,"fill_id": string | null,"id": number,"kind": string,"mode": string,"occurred_at": string,"reason": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "actor": string,"amount": number,"fill_id"?: string | null,"id"?: never,"kind": string,"mode": string,"occurred_at"?: string,"reason"?: string | null
                  }
                  Update: {
                    "actor"?: string,"amount"?: number,"fill_id"?: string | null,"id"?: never,"kind"?: string,"mode"?: string,"occurred_at"?: string,"reason"?: string | null
                  }
                  Relationships: [
                    {
      foreignKeyName: "cash_ledger_fill_id_fkey"
      columns: ["fill_id"]
isOneToOne: false
      referencedRelation: "crypto_fills"
      referencedColumns: ["id"]
    }
                  ]
                },"config": {
                  Row: {
                    "choices": (string)[] | null,"default_value": string,"description": string,"key": string,"max": number | null,"min": number | null,"operator_value": string | null,"source": string,"updated_at": string,"updated_by": string,"value": string,"value_type": string
                  }
                  ComputedFields: never
                  Insert: {
                    "choices"?: (string)[] | null,"default_value": string,"description": string,"key": string,"max"?: number | null,"min"?: number | null,"operator_value"?: string | null,"source"?: string,"updated_at"?: string,"updated_by"?: string,"value": string,"value_type": string
                  }
                  Update: {
                    "choices"?: (string)[] | null,"default_value"?: string,"description"?: string,"key"?: string,"max"?: number | null,"min"?: number | null,"operator_value"?: string | null,"source"?: string,"updated_at"?: string,"updated_by"?: string,"value"?: string,"value_type"?: string
                  }
                  Relationships: [
                    
                  ]
                },"config_events": {
                  Row: {
                    "actor": string,"from_value": string,"id": number,"key": string,"source": string,"to_value": string,"ts": string
                  }
                  ComputedFields: never
                  Insert: {
                    "actor": string,"from_value": string,"id"?: never,"key": string,"source": string,"to_value": string,"ts"?: string
                  }
                  Update: {
                    "actor"?: string,"from_value"?: string,"id"?: never,"key"?: string,"source"?: string,"to_value"?: string,"ts"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "config_events_key_fkey"
      columns: ["key"]
isOneToOne: false
      referencedRelation: "config"
      referencedColumns: ["key"]
    }
                  ]
                },"crypto_candles": {
                  Row: {
                    "close": number,"high": number,"low": number,"open": number,"open_time": string,"symbol": string,"timeframe": string,"volume": number
                  }
                  ComputedFields: never
                  Insert: {
                    "close": number,"high": number,"low": number,"open": number,"open_time": string,"symbol": string,"timeframe": string,"volume": number
                  }
                  Update: {
                    "close"?: number,"high"?: number,"low"?: number,"open"?: number,"open_time"?: string,"symbol"?: string,"timeframe"?: string,"volume"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "crypto_candles_symbol_fkey"
      columns: ["symbol"]
isOneToOne: false
      referencedRelation: "instruments"
      referencedColumns: ["symbol"]
    }
                  ]
                },"crypto_cash_snapshots": {
                  Row: {
                    "buying_power": number,"cash_available": number,"equity": number,"id": number,"mode": string,"source": string,"taken_at": string
                  }
                  ComputedFields: never
                  Insert: {
                    "buying_power": number,"cash_available": number,"equity": number,"id"?: never,"mode": string,"source": string,"taken_at"?: string
                  }
                  Update: {
                    "buying_power"?: number,"cash_available"?: number,"equity"?: number,"id"?: never,"mode"?: string,"source"?: string,"taken_at"?: string
                  }
                  Relationships: [
                    
                  ]
                },"crypto_fills": {
                  Row: {
                    "booked_at": string,"executed_at": string,"fee": number,"fee_currency": string,"fee_qty": number,"fill_id": string,"id": string,"late": boolean,"mode": string,"order_id": string,"price": number,"qty": number,"revision": number,"seq": number,"side": string,"symbol": string
                  }
                  ComputedFields: never
                  Insert: {
                    "booked_at"?: string,"executed_at": string,"fee"?: number,"fee_currency"?: string,"fee_qty"?: number,"fill_id": string,"id"?: string,"late"?: boolean,"mode": string,"order_id": string,"price": number,"qty": number,"revision"?: number,"seq"?: never,"side": string,"symbol": string
                  }
                  Update: {
                    "booked_at"?: string,"executed_at"?: string,"fee"?: number,"fee_currency"?: string,"fee_qty"?: number,"fill_id"?: string,"id"?: string,"late"?: boolean,"mode"?: string,"order_id"?: string,"price"?: number,"qty"?: number,"revision"?: number,"seq"?: never,"side"?: string,"symbol"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "crypto_fills_order_id_fkey"
      columns: ["order_id"]
isOneToOne: false
      referencedRelation: "crypto_orders"
      referencedColumns: ["id"]
    }
                  ]
                },"crypto_holdings_snapshots": {
                  Row: {
                    "holdings": NonNullable<Json>,"id": number,"mode": string,"taken_at": string,"total_crypto_value": number
                  }
                  ComputedFields: never
                  Insert: {
                    "holdings": NonNullable<Json>,"id"?: never,"mode": string,"taken_at"?: string,"total_crypto_value": number
                  }
                  Update: {
                    "holdings"?: NonNullable<Json>,"id"?: never,"mode"?: string,"taken_at"?: string,"total_crypto_value"?: number
                  }
                  Relationships: [
                    
                  ]
                },"crypto_orders": {
                  Row: {
                    "acknowledged_at": string | null,"attempts": number,"average_price": number | null,"broker_order_id": string | null,"cancel_reason_code": string | null,"cancel_requested_at": string | null,"cancel_requested_by": string | null,"claimed_for": string | null,"closed_at": string | null,"engine": string,"fee": number,"filled_qty": number,"id": string,"intent_group_id": string,"last_error": string | null,"lease_expires_at": string | null,"lease_owner": string | null,"lease_token": number | null,"limit_price": number,"mode": string,"next_action_at": string | null,"not_found_at": string | null,"not_found_count": number,"not_found_since": string | null,"order_type": string,"parent_order_id": string | null,"purpose": string,"qty": number,"reject_reason": string | null,"remaining_qty": number | null,"replace_count": number,"reported_at": string | null,"requested_at": string,"side": string,"status": string,"submitted_at": string | null,"symbol": string,"trace_id": string | null,"ttl_seconds": number,"unresolved": boolean,"updated_at": string,"urgency": string,"vanished_at": string | null,"version": number,"watch_until": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "acknowledged_at"?: string | null,"attempts"?: number,"average_price"?: number | null,"broker_order_id"?: string | null,"cancel_reason_code"?: string | null,"cancel_requested_at"?: string | null,"cancel_requested_by"?: string | null,"claimed_for"?: string | null,"closed_at"?: string | null,"engine": string,"fee"?: number,"filled_qty"?: number,"id"?: string,"intent_group_id": string,"last_error"?: string | null,"lease_expires_at"?: string | null,"lease_owner"?: string | null,"lease_token"?: number | null,"limit_price": number,"mode": string,"next_action_at"?: string | null,"not_found_at"?: string | null,"not_found_count"?: number,"not_found_since"?: string | null,"order_type"?: string,"parent_order_id"?: string | null,"purpose": string,"qty": number,"reject_reason"?: string | null,"remaining_qty"?: never,"replace_count"?: number,"reported_at"?: string | null,"requested_at"?: string,"side": string,"status"?: string,"submitted_at"?: string | null,"symbol": string,"trace_id"?: string | null,"ttl_seconds": number,"unresolved"?: boolean,"updated_at"?: string,"urgency"?: string,"vanished_at"?: string | null,"version"?: number,"watch_until"?: string | null
                  }
                  Update: {
                    "acknowledged_at"?: string | null,"attempts"?: number,"average_price"?: number | null,"broker_order_id"?: string | null,"cancel_reason_code"?: string | null,"cancel_requested_at"?: string | null,"cancel_requested_by"?: string | null,"claimed_for"?: string | null,"closed_at"?: string | null,"engine"?: string,"fee"?: number,"filled_qty"?: number,"id"?: string,"intent_group_id"?: string,"last_error"?: string | null,"lease_expires_at"?: string | null,"lease_owner"?: string | null,"lease_token"?: number | null,"limit_price"?: number,"mode"?: string,"next_action_at"?: string | null,"not_found_at"?: string | null,"not_found_count"?: number,"not_found_since"?: string | null,"order_type"?: string,"parent_order_id"?: string | null,"purpose"?: string,"qty"?: number,"reject_reason"?: string | null,"remaining_qty"?: never,"replace_count"?: number,"reported_at"?: string | null,"requested_at"?: string,"side"?: string,"status"?: string,"submitted_at"?: string | null,"symbol"?: string,"trace_id"?: string | null,"ttl_seconds"?: number,"unresolved"?: boolean,"updated_at"?: string,"urgency"?: string,"vanished_at"?: string | null,"version"?: number,"watch_until"?: string | null
                  }
                  Relationships: [
                    {
      foreignKeyName: "crypto_orders_intent_group_id_fkey"
      columns: ["intent_group_id"]
isOneToOne: false
      referencedRelation: "order_intents"
      referencedColumns: ["id"]
    },{
      foreignKeyName: "crypto_orders_parent_order_id_fkey"
      columns: ["parent_order_id"]
isOneToOne: true
      referencedRelation: "crypto_orders"
      referencedColumns: ["id"]
    },{
      foreignKeyName: "crypto_orders_symbol_fkey"
      columns: ["symbol"]
isOneToOne: false
      referencedRelation: "instruments"
      referencedColumns: ["symbol"]
    }
                  ]
                },"crypto_reconciliation_events": {
                  Row: {
                    "broker_cash": number,"broker_holdings": NonNullable<Json>,"cash_diff": number,"cash_tolerance": number,"facts_hash": string,"holdings_diff": NonNullable<Json>,"id": number,"last_seen_at": string,"local_cash": number,"local_holdings": NonNullable<Json>,"mismatch_since": string | null,"mode": string,"observed_at": string,"qty_tolerance": number,"reason": string | null,"status": string,"taken_at": string,"unknown_orders": NonNullable<Json>
                  }
                  ComputedFields: never
                  Insert: {
                    "broker_cash": number,"broker_holdings": NonNullable<Json>,"cash_diff": number,"cash_tolerance": number,"facts_hash": string,"holdings_diff": NonNullable<Json>,"id"?: never,"last_seen_at"?: string,"local_cash": number,"local_holdings": NonNullable<Json>,"mismatch_since"?: string | null,"mode": string,"observed_at": string,"qty_tolerance": number,"reason"?: string | null,"status": string,"taken_at"?: string,"unknown_orders"?: NonNullable<Json>
                  }
                  Update: {
                    "broker_cash"?: number,"broker_holdings"?: NonNullable<Json>,"cash_diff"?: number,"cash_tolerance"?: number,"facts_hash"?: string,"holdings_diff"?: NonNullable<Json>,"id"?: never,"last_seen_at"?: string,"local_cash"?: number,"local_holdings"?: NonNullable<Json>,"mismatch_since"?: string | null,"mode"?: string,"observed_at"?: string,"qty_tolerance"?: number,"reason"?: string | null,"status"?: string,"taken_at"?: string,"unknown_orders"?: NonNullable<Json>
                  }
                  Relationships: [
                    
                  ]
                },"health_heartbeat": {
                  Row: {
                    "component": string,"details": NonNullable<Json>,"errors_in_a_row": number,"good_in_a_row": number,"last_heartbeat": string,"latency_ms": number | null,"mode": string,"since": string,"status": string
                  }
                  ComputedFields: never
                  Insert: {
                    "component": string,"details"?: NonNullable<Json>,"errors_in_a_row"?: number,"good_in_a_row"?: number,"last_heartbeat"?: string,"latency_ms"?: number | null,"mode": string,"since"?: string,"status": string
                  }
                  Update: {
                    "component"?: string,"details"?: NonNullable<Json>,"errors_in_a_row"?: number,"good_in_a_row"?: number,"last_heartbeat"?: string,"latency_ms"?: number | null,"mode"?: string,"since"?: string,"status"?: string
                  }
                  Relationships: [
                    
                  ]
                },"instruments": {
                  Row: {
                    "enabled": boolean,"min_notional": number,"min_qty": number,"price_increment": number,"qty_increment": number,"symbol": string,"updated_at": string
                  }
                  ComputedFields: never
                  Insert: {
                    "enabled"?: boolean,"min_notional": number,"min_qty": number,"price_increment": number,"qty_increment": number,"symbol": string,"updated_at"?: string
                  }
                  Update: {
                    "enabled"?: boolean,"min_notional"?: number,"min_qty"?: number,"price_increment"?: number,"qty_increment"?: number,"symbol"?: string,"updated_at"?: string
                  }
                  Relationships: [
                    
                  ]
                },"lot_closures": {
                  Row: {
                    "closed_at": string,"cost": number,"fees": number,"fill_id": string | null,"id": number,"lot_id": number,"mode": string,"proceeds": number,"qty": number,"realized_pnl": number,"symbol": string
                  }
                  ComputedFields: never
                  Insert: {
                    "closed_at": string,"cost": number,"fees": number,"fill_id"?: string | null,"id"?: never,"lot_id": number,"mode": string,"proceeds": number,"qty": number,"realized_pnl": number,"symbol": string
                  }
                  Update: {
                    "closed_at"?: string,"cost"?: number,"fees"?: number,"fill_id"?: string | null,"id"?: never,"lot_id"?: number,"mode"?: string,"proceeds"?: number,"qty"?: number,"realized_pnl"?: number,"symbol"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "lot_closures_fill_id_fkey"
      columns: ["fill_id"]
isOneToOne: false
      referencedRelation: "crypto_fills"
      referencedColumns: ["id"]
    },{
      foreignKeyName: "lot_closures_lot_id_fkey"
      columns: ["lot_id"]
isOneToOne: false
      referencedRelation: "position_lots"
      referencedColumns: ["id"]
    }
                  ]
                },"operators": {
                  Row: {
                    "created_at": string,"email": string | null,"role": string,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"email"?: string | null,"role": string,"user_id": string
                  }
                  Update: {
                    "created_at"?: string,"email"?: string | null,"role"?: string,"user_id"?: string
                  }
                  Relationships: [
                    
                  ]
                },"order_events": {
                  Row: {
                    "actor": string,"event_type": string,"filled_qty": number | null,"from_status": string | null,"id": number,"intent_group_id": string,"metadata": NonNullable<Json>,"mode": string,"order_id": string,"price": number | null,"qty": number | null,"reason": string | null,"remaining_qty": number | null,"symbol": string,"to_status": string | null,"trace_id": string | null,"ts": string
                  }
                  ComputedFields: never
                  Insert: {
                    "actor": string,"event_type": string,"filled_qty"?: number | null,"from_status"?: string | null,"id"?: never,"intent_group_id": string,"metadata"?: NonNullable<Json>,"mode": string,"order_id": string,"price"?: number | null,"qty"?: number | null,"reason"?: string | null,"remaining_qty"?: number | null,"symbol": string,"to_status"?: string | null,"trace_id"?: string | null,"ts"?: string
                  }
                  Update: {
                    "actor"?: string,"event_type"?: string,"filled_qty"?: number | null,"from_status"?: string | null,"id"?: never,"intent_group_id"?: string,"metadata"?: NonNullable<Json>,"mode"?: string,"order_id"?: string,"price"?: number | null,"qty"?: number | null,"reason"?: string | null,"remaining_qty"?: number | null,"symbol"?: string,"to_status"?: string | null,"trace_id"?: string | null,"ts"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "order_events_order_id_fkey"
      columns: ["order_id"]
isOneToOne: false
      referencedRelation: "crypto_orders"
      referencedColumns: ["id"]
    }
                  ]
                },"order_intents": {
                  Row: {
                    "created_at": string,"denial_code": string | null,"denial_count": number,"denial_evidence": Json | null,"denial_message": string | null,"engine": string | null,"id": string,"idempotency_key": string,"limit_price": number | null,"max_reached_at": string | null,"metadata": NonNullable<Json>,"mode": string | null,"payload": NonNullable<Json>,"purpose": string | null,"reason": string | null,"side": string | null,"signal_confidence": number | null,"status": string,"strategy": string | null,"symbol": string | null,"target_notional": number | null,"target_qty": number | null,"trace_id": string | null,"updated_at": string,"urgency": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"denial_code"?: string | null,"denial_count"?: number,"denial_evidence"?: Json | null,"denial_message"?: string | null,"engine"?: string | null,"id"?: string,"idempotency_key": string,"limit_price"?: number | null,"max_reached_at"?: string | null,"metadata"?: NonNullable<Json>,"mode"?: string | null,"payload": NonNullable<Json>,"purpose"?: string | null,"reason"?: string | null,"side"?: string | null,"signal_confidence"?: number | null,"status": string,"strategy"?: string | null,"symbol"?: string | null,"target_notional"?: number | null,"target_qty"?: number | null,"trace_id"?: string | null,"updated_at"?: string,"urgency"?: string
                  }
                  Update: {
                    "created_at"?: string,"denial_code"?: string | null,"denial_count"?: number,"denial_evidence"?: Json | null,"denial_message"?: string | null,"engine"?: string | null,"id"?: string,"idempotency_key"?: string,"limit_price"?: number | null,"max_reached_at"?: string | null,"metadata"?: NonNullable<Json>,"mode"?: string | null,"payload"?: NonNullable<Json>,"purpose"?: string | null,"reason"?: string | null,"side"?: string | null,"signal_confidence"?: number | null,"status"?: string,"strategy"?: string | null,"symbol"?: string | null,"target_notional"?: number | null,"target_qty"?: number | null,"trace_id"?: string | null,"updated_at"?: string,"urgency"?: string
                  }
                  Relationships: [
                    
                  ]
                },"pnl_daily": {
                  Row: {
                    "daily_pnl": number,"date": string,"drawdown": number,"equity": number,"fees": number,"mode": string,"realized_pnl": number,"unrealized_pnl": number,"updated_at": string
                  }
                  ComputedFields: never
                  Insert: {
                    "daily_pnl": number,"date": string,"drawdown": number,"equity": number,"fees": number,"mode": string,"realized_pnl": number,"unrealized_pnl": number,"updated_at"?: string
                  }
                  Update: {
                    "daily_pnl"?: number,"date"?: string,"drawdown"?: number,"equity"?: number,"fees"?: number,"mode"?: string,"realized_pnl"?: number,"unrealized_pnl"?: number,"updated_at"?: string
                  }
                  Relationships: [
                    
                  ]
                },"position_lots": {
                  Row: {
                    "closed_at": string | null,"fee": number,"fill_id": string | null,"id": number,"mode": string,"opened_at": string,"price": number,"qty": number,"remaining_fee": number,"remaining_qty": number,"symbol": string
                  }
                  ComputedFields: never
                  Insert: {
                    "closed_at"?: string | null,"fee": number,"fill_id"?: string | null,"id"?: never,"mode": string,"opened_at": string,"price": number,"qty": number,"remaining_fee": number,"remaining_qty": number,"symbol": string
                  }
                  Update: {
                    "closed_at"?: string | null,"fee"?: number,"fill_id"?: string | null,"id"?: never,"mode"?: string,"opened_at"?: string,"price"?: number,"qty"?: number,"remaining_fee"?: number,"remaining_qty"?: number,"symbol"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "position_lots_fill_id_fkey"
      columns: ["fill_id"]
isOneToOne: true
      referencedRelation: "crypto_fills"
      referencedColumns: ["id"]
    }
                  ]
                },"positions": {
                  Row: {
                    "average_price": number | null,"cost_basis": number,"engine": string | null,"entry_price": number | null,"exit_by": string | null,"fees": number,"high_water": number | null,"mode": string,"opened_at": string | null,"qty": number,"realized_pnl": number,"stop_price": number | null,"strategy": string | null,"symbol": string,"target_price": number | null,"trail_armed": boolean,"updated_at": string,"version": number
                  }
                  ComputedFields: never
                  Insert: {
                    "average_price"?: number | null,"cost_basis"?: number,"engine"?: string | null,"entry_price"?: number | null,"exit_by"?: string | null,"fees"?: number,"high_water"?: number | null,"mode": string,"opened_at"?: string | null,"qty"?: number,"realized_pnl"?: number,"stop_price"?: number | null,"strategy"?: string | null,"symbol": string,"target_price"?: number | null,"trail_armed"?: boolean,"updated_at"?: string,"version"?: number
                  }
                  Update: {
                    "average_price"?: number | null,"cost_basis"?: number,"engine"?: string | null,"entry_price"?: number | null,"exit_by"?: string | null,"fees"?: number,"high_water"?: number | null,"mode"?: string,"opened_at"?: string | null,"qty"?: number,"realized_pnl"?: number,"stop_price"?: number | null,"strategy"?: string | null,"symbol"?: string,"target_price"?: number | null,"trail_armed"?: boolean,"updated_at"?: string,"version"?: number
                  }
                  Relationships: [
                    {
      foreignKeyName: "positions_symbol_fkey"
      columns: ["symbol"]
isOneToOne: false
      referencedRelation: "instruments"
      referencedColumns: ["symbol"]
    }
                  ]
                },"quotes": {
                  Row: {
                    "ask": number,"ask_size": number | null,"bid": number,"bid_size": number | null,"observed_at": string,"received_at": string,"source": string,"symbol": string
                  }
                  ComputedFields: never
                  Insert: {
                    "ask": number,"ask_size"?: number | null,"bid": number,"bid_size"?: number | null,"observed_at": string,"received_at"?: string,"source": string,"symbol": string
                  }
                  Update: {
                    "ask"?: number,"ask_size"?: number | null,"bid"?: number,"bid_size"?: number | null,"observed_at"?: string,"received_at"?: string,"source"?: string,"symbol"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "quotes_symbol_fkey"
      columns: ["symbol"]
isOneToOne: true
      referencedRelation: "instruments"
      referencedColumns: ["symbol"]
    }
                  ]
                },"thoughts": {
                  Row: {
                    "content": string,"created_at": string,"engine": string,"id": number,"metadata": NonNullable<Json>,"mode": string | null,"symbol": string | null,"type": string
                  }
                  ComputedFields: never
                  Insert: {
                    "content": string,"created_at"?: string,"engine": string,"id"?: never,"metadata"?: NonNullable<Json>,"mode"?: string | null,"symbol"?: string | null,"type": string
                  }
                  Update: {
                    "content"?: string,"created_at"?: string,"engine"?: string,"id"?: never,"metadata"?: NonNullable<Json>,"mode"?: string | null,"symbol"?: string | null,"type"?: string
                  }
                  Relationships: [
                    
                  ]
                },"tick_runs": {
                  Row: {
                    "counts": NonNullable<Json>,"duration_ms": number | null,"error": string | null,"finished_at": string | null,"id": string,"mode": string | null,"name": string,"outcome": string,"reason": string | null,"slot": string | null,"started_at": string,"token": number,"trigger": string
                  }
                  ComputedFields: never
                  Insert: {
                    "counts"?: NonNullable<Json>,"duration_ms"?: number | null,"error"?: string | null,"finished_at"?: string | null,"id"?: string,"mode"?: string | null,"name": string,"outcome"?: string,"reason"?: string | null,"slot"?: string | null,"started_at"?: string,"token": number,"trigger": string
                  }
                  Update: {
                    "counts"?: NonNullable<Json>,"duration_ms"?: number | null,"error"?: string | null,"finished_at"?: string | null,"id"?: string,"mode"?: string | null,"name"?: string,"outcome"?: string,"reason"?: string | null,"slot"?: string | null,"started_at"?: string,"token"?: number,"trigger"?: string
                  }
                  Relationships: [
                    
                  ]
                },"trade_locks": {
                  Row: {
                    "engine": string,"fencing_token": number,"instance_id": string | null,"locked_at": string,"mode": string,"renewed_at": string,"symbol": string,"ttl_seconds": number
                  }
                  ComputedFields: never
                  Insert: {
                    "engine": string,"fencing_token": number,"instance_id"?: string | null,"locked_at"?: string,"mode": string,"renewed_at"?: string,"symbol": string,"ttl_seconds": number
                  }
                  Update: {
                    "engine"?: string,"fencing_token"?: number,"instance_id"?: string | null,"locked_at"?: string,"mode"?: string,"renewed_at"?: string,"symbol"?: string,"ttl_seconds"?: number
                  }
                  Relationships: [
                    
                  ]
                }
          }
          Views: {
            [_ in never]: never
          }
          Functions: {
            "acknowledge_alert":
{ Args: { "alert_id": string }; Returns: Json
                           },
"adopt_broker_books":
{ Args: { "confirm": string,"mode": string }; Returns: Json
                           },
"apply_execution_reports":
{ Args: { "reports": Json }; Returns: Json
                           },
"begin_tick":
{ Args: { "env"?: Json,"name": string,"slot"?: string,"trigger"?: string }; Returns: Json
                           },
"commit_tick":
{ Args: { "payload": Json,"run_id": string,"token": number }; Returns: Json
                           },
"dashboard_alerts":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_config":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"dashboard_equity":
{ Args: { "p_days": number,"p_mode": string }; Returns: Json
                           },
"dashboard_fills":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_header":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_health":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_orders":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_positions":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_prices":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"dashboard_reconciliations":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_runs":
{ Args: { "p_limit": number }; Returns: Json
                           },
"dashboard_scan":
{ Args: { "p_mode": string }; Returns: Json
                           },
"dashboard_thoughts":
{ Args: { "p_limit": number }; Returns: Json
                           },
"finish_tick":
{ Args: { "payload": Json,"run_id": string,"token": number }; Returns: Json
                           },
"order_timeline":
{ Args: { "intent_group_id": string }; Returns: Json
                           },
"paper_exchange_load":
{ Args: { "p_order_ids": (string)[] }; Returns: Json
                           },
"paper_exchange_save":
{ Args: { "p_closed_orders": Json,"p_expected_version": number,"p_state": Json }; Returns: Json
                           },
"record_cash_event":
{ Args: { "amount": string,"kind": string,"mode": string,"reason": string }; Returns: Json
                           },
"request_cancel":
{ Args: { "order_id": string,"reason": string }; Returns: Json
                           },
"run_now":
{ Args: { "name": string }; Returns: Json
                           },
"set_config":
{ Args: { "key": string,"value": string }; Returns: Json
                           },
"set_kill_switch":
{ Args: { "on_": boolean,"reason": string }; Returns: Json
                           },
"set_safe_mode":
{ Args: { "minutes": number,"on_": boolean }; Returns: Json
                           },
"settle_order":
{ Args: { "average_price": string,"fee": string,"filled_qty": string,"order_id": string,"reason": string }; Returns: Json
                           },
"submit_intent":
{ Args: { "intent": Json }; Returns: Json
                           },
"trading_state":
{ Args: { "mode": string }; Returns: Json
                           },
"verify_audit_log":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"whoami":
{ Args: Record<PropertyKey, never>; Returns: Json
                           }
          }
          Enums: {
            [_ in never]: never
          }
          CompositeTypes: {
            [_ in never]: never
          }
        }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
  ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R
    }
    ? R
    : never
  : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I
    }
    ? I
    : never
  : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U
    }
    ? U
    : never
  : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
  ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
  ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never

export const Constants = {
  "public": {
          Enums: {
            
          }
        }
} as const
