//! `CREATE TABLE`, in whatever dialect.

use serde_json::{Value, json};
use sqlparser::ast::{
    ColumnDef, ColumnOption, CreateTable, DataType, EnumMember, Statement, TableConstraint,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::DraftError;
use super::node::{Fields, Node};
use super::schema::string;

/// A draft of a table's rows.
pub(super) fn of(text: &str, of: Option<&str>) -> Result<(String, Fields, String), DraftError> {
    let statements =
        Parser::parse_sql(&GenericDialect {}, text).map_err(|error| DraftError::Syntax {
            what: "SQL",
            why: error.to_string(),
        })?;
    let tables: Vec<CreateTable> = statements
        .into_iter()
        .filter_map(|statement| match statement {
            Statement::CreateTable(table) => Some(table),
            _ => None,
        })
        .collect();
    let names = || tables.iter().map(name_of).collect();
    let table = match (of, tables.as_slice()) {
        (_, []) => return Err(DraftError::Nothing(": it has no CREATE TABLE")),
        (None, [only]) => only,
        (None, _) => {
            return Err(DraftError::Which {
                wanted: "there are several tables".to_owned(),
                names: names(),
            });
        }
        (Some(of), all) => {
            let table = all
                .iter()
                .find(|table| name_of(table).eq_ignore_ascii_case(of));
            table.ok_or_else(|| DraftError::Which {
                wanted: format!("there is no table {of}"),
                names: names(),
            })?
        }
    };
    let fields = table
        .columns
        .iter()
        .map(|column| (column.name.value.clone(), node(column, table)));
    let name = name_of(table);
    let from = format!("the table {name}");
    Ok((name, fields.collect(), from))
}

/// Without schema and quotes.
fn name_of(table: &CreateTable) -> String {
    let name = table.name.to_string();
    let last = name.rsplit('.').next().unwrap_or(&name);
    last.trim_matches(['"', '`', '[', ']']).to_owned()
}

fn node(column: &ColumnDef, table: &CreateTable) -> Node {
    let name = &column.name.value;
    let has = |wanted: fn(&ColumnOption) -> bool| {
        column.options.iter().any(|option| wanted(&option.option))
    };
    let alone = |columns: &[sqlparser::ast::IndexColumn]| {
        columns.len() == 1
            && columns[0]
                .to_string()
                .trim_matches(['"', '`'])
                .eq_ignore_ascii_case(name)
    };
    let key = has(|option| {
        matches!(
            option,
            ColumnOption::PrimaryKey(_) | ColumnOption::Unique(_)
        )
    }) || table.constraints.iter().any(|constraint| match constraint {
        TableConstraint::PrimaryKey(key) => alone(&key.columns),
        TableConstraint::Unique(key) => alone(&key.columns),
        _ => false,
    });
    let never_null = key || has(|option| matches!(option, ColumnOption::NotNull));
    typed(&column.data_type, name, key).nullable(!never_null)
}

/// By the type's name, which dialects agree on more than on how it is parsed.
fn typed(kind: &DataType, name: &str, key: bool) -> Node {
    if let DataType::Enum(members, _) = kind {
        let values: Vec<Value> = members
            .iter()
            .map(|member| match member {
                EnumMember::Name(name) | EnumMember::NamedValue(name, _) => {
                    Value::from(name.as_str())
                }
            })
            .collect();
        return Node::known(Node::choice(values.iter().map(|value| (value, 1))));
    }
    let text = kind.to_string().to_ascii_uppercase();
    let word: String = text
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let numbers: Vec<u64> = text
        .split(|c: char| !c.is_ascii_digit())
        .skip(1)
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let within = |max: i64| {
        let max = if key { max.min(1_000_000) } else { max };
        let value = match key {
            true => json!({ "$unique": { "min": 1, "max": max } }),
            false => json!({ "$int": { "min": 0, "max": max.min(1000) } }),
        };
        Node::guessed(value, "the range")
    };
    match word.as_str() {
        "SERIAL" | "BIGSERIAL" | "SMALLSERIAL" => {
            Node::known(json!({ "$sequence": { "from": 1 } }))
        }
        "TINYINT" | "INT1" => within(127),
        "SMALLINT" | "INT2" => within(32_767),
        "INT" | "INTEGER" | "INT4" | "MEDIUMINT" | "BIGINT" | "INT8" | "INT32" | "INT64"
        | "HUGEINT" | "UINT32" | "UINT64" | "SIGNED" | "UNSIGNED" => within(1_000_000),
        "NUMERIC" | "DECIMAL" | "DEC" | "NUMBER" | "MONEY" | "BIGNUMERIC" => {
            let scale = numbers
                .get(1)
                .copied()
                .unwrap_or(if word == "MONEY" { 2 } else { 0 });
            match (scale, key) {
                (0, true) => within(1_000_000),
                (0, false) => {
                    Node::guessed(json!({ "$int": { "min": 0, "max": 999 } }), "the range")
                }
                (scale, _) => {
                    let value =
                        json!({ "$float": { "min": 0, "max": 999, "decimals": scale.min(7) } });
                    Node::guessed(value, "the range")
                }
            }
        }
        "REAL" | "FLOAT" | "DOUBLE" | "FLOAT4" | "FLOAT8" | "FLOAT32" | "FLOAT64" => {
            Node::guessed(json!({ "$float": { "min": 0, "max": 1000 } }), "the range")
        }
        "BOOL" | "BOOLEAN" | "BIT" => Node::known(json!("$bool")),
        "UUID" | "UNIQUEIDENTIFIER" => Node::known(json!("$uuid")),
        "TIMESTAMP" | "TIMESTAMPTZ" | "DATETIME" | "DATETIME2" | "DATETIME64" => {
            Node::known(json!("$time"))
        }
        "DATE" | "DATE32" => Node::known(json!({ "$time": { "format": "date" } })),
        "TIME" => Node::known(json!({ "$pattern": "(0[0-9]|1[0-9]|2[0-3])(:[0-5][0-9]){2}" })),
        "INET" | "CIDR" => Node::known(json!({ "$fake": "ipv4" })),
        "JSON" | "JSONB" => Node::guessed(json!({}), "what is in it"),
        "CHAR" | "CHARACTER" | "NCHAR" if numbers.first() == Some(&1) => {
            Node::guessed(json!({ "$pattern": "[A-Z]" }), "a letter")
        }
        _ => match numbers.first().filter(|_| text.contains("CHAR")) {
            Some(most) => string(&json!({ "maxLength": most }), name),
            None => string(&Value::Null, name),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "
        CREATE TABLE public.customers (id SERIAL PRIMARY KEY, name TEXT);
        CREATE TABLE IF NOT EXISTS \"Orders\" (
            id BIGINT NOT NULL, customer_id INTEGER NOT NULL REFERENCES customers (id),
            code CHAR(3) NOT NULL, amount NUMERIC(10, 2) NOT NULL, paid BOOLEAN DEFAULT false NOT NULL,
            created TIMESTAMP WITH TIME ZONE NOT NULL, day DATE, email VARCHAR(80) NOT NULL, body JSONB NOT NULL,
            PRIMARY KEY (id)
        );";

    #[test]
    fn a_table_becomes_a_record() {
        let (name, fields, _) = of(TABLES, Some("orders")).unwrap();
        assert_eq!(name, "Orders");
        let record = Node::object_value(&fields);
        assert_eq!(
            record["id"],
            json!({"$unique": {"min": 1, "max": 1_000_000}})
        );
        assert_eq!(
            record["customer_id"],
            json!({"$int": {"min": 0, "max": 1000}})
        );
        assert_eq!(
            record["amount"],
            json!({"$float": {"min": 0, "max": 999, "decimals": 2}})
        );
        assert_eq!(record["paid"], "$bool");
        assert_eq!(record["created"], "$time");
        assert_eq!(
            record["day"]["$null"]["of"],
            json!({"$time": {"format": "date"}})
        );
        assert_eq!(record["email"], json!({"$fake": "email"}));
        assert_eq!(record["code"], json!({"$pattern": "[a-z]{3}"}));
        let (_, fields, _) = of(TABLES, Some("customers")).unwrap();
        assert_eq!(
            Node::object_value(&fields)["id"],
            json!({"$sequence": {"from": 1}})
        );
        assert!(matches!(of(TABLES, None), Err(DraftError::Which { .. })));
        assert!(matches!(of("SELECT 1", None), Err(DraftError::Nothing(_))));
        assert!(matches!(
            of("CREATE TABLE", None),
            Err(DraftError::Syntax { .. })
        ));
    }
}
