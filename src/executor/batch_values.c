/*
 * batch_values.c
 *		Calls in the rows of INSERT ... VALUES.
 *
 * In INSERT INTO docs VALUES ('a', inference_embed('m', 'a')), ('b', ...) each
 * call has constants only, and would be made once, one after the other.  So the
 * arguments of the calls become columns of the rows, and what was a value in
 * the rows is computed from them above, where it is batched as any other
 * expression over rows.
 *
 * Values that differ in nothing but arguments of calls have one form.  A row
 * tells which form its value has, or brings a value of its own:
 *
 *		CASE WHEN has form 1 THEN form 1 WHEN ... ELSE value of the row END
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "executor/batch_values.h"
#include "executor/call_condition.h"
#include "executor/call_search.h"
#include "executor/constant_call.h"

/*
 * Forms of one column.  Each value is compared with all of them, and for each
 * row they are tried one after the other.
 */
#define MAX_FORMS 8

/*
 * Before planning
 */

static bool
holds_call(Node *node, void *context)
{
	const Oid  *function = context;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == *function)
		return true;
	return expression_tree_walker(node, holds_call, context);
}

/* Whether a query has rows of VALUES; only an INSERT of several is of interest. */
static bool
has_rows(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_VALUES)
			return true;
	return false;
}

bool
inf_values_hold_calls(const Query *query, Oid function)
{
	ListCell   *lc;

	if (query->commandType != CMD_INSERT)
		return false;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		/*
		 * Rows with volatile values are not batched.  The first row usually
		 * tells, and all of them would be looked at for each of their calls.
		 */
		if (entry->rtekind == RTE_VALUES && list_length(entry->values_lists) > 1 &&
			!contain_volatile_functions(linitial(entry->values_lists)) &&
			holds_call((Node *) entry->values_lists, &function))
			return true;
	}
	return false;
}

/*
 * ----------
 * Forms
 * ----------
 */

/* A value with Params in place of the arguments of its calls, numbered from 0. */
typedef struct Form
{
	Node	   *expression;
	List	   *kinds;			/* of int, for each argument: is it the input? */
	List	   *rows;			/* of lists, for each row: arguments; NIL: another */
	int			nrows;			/* that have this form */
} Form;

typedef struct FormSearch
{
	bool		in_branch;		/* of an expression that may leave it out */
	List	   *args;
	List	   *kinds;
} FormSearch;

static bool
is_input(BatchCallKind kind, int argument)
{
	return argument == (kind == BATCH_CALL_INFER_TASK ? 2 : 1);
}

static bool
are_fixed(List *args)
{
	ListCell   *lc;

	foreach(lc, args)
		if (!IsA(lfirst(lc), Const) &&
			!(IsA(lfirst(lc), Param) &&
			  lfirst_node(Param, lc)->paramkind == PARAM_EXTERN))
			return false;
	return true;
}

static Node *
make_placeholder(int number, Node *arg)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_SUBLINK;
	param->paramid = number;
	param->paramtype = exprType(arg);
	param->paramtypmod = -1;
	param->paramcollid = exprCollation(arg);
	param->location = -1;
	return (Node *) param;
}

/* Arguments are evaluated in any case then, so only those that cannot fail. */
static Node *
take_arguments(Node *node, void *context)
{
	FormSearch *search = context;
	bool		in_branch = search->in_branch;
	BatchCallKind kind;
	FuncExpr   *call;
	Node	   *result;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (!IsA(node, FuncExpr) ||
		!inf_batch_is_call(((FuncExpr *) node)->funcid, &kind) ||
		inf_condition_has_case_test((Node *) ((FuncExpr *) node)->args, NULL) ||
		(in_branch && !are_fixed(((FuncExpr *) node)->args)))
	{
		search->in_branch |= IsA(node, CaseExpr) || IsA(node, CoalesceExpr) ||
			IsA(node, BoolExpr);
		result = expression_tree_mutator(node, take_arguments, context);
		search->in_branch = in_branch;
		return result;
	}
	call = makeNode(FuncExpr);
	*call = *(FuncExpr *) node;
	call->args = NIL;
	foreach(lc, ((FuncExpr *) node)->args)
	{
		Node	   *arg = lfirst(lc);

		search->kinds = lappend_int(search->kinds,
									is_input(kind, list_length(call->args)));
		call->args = lappend(call->args,
							 make_placeholder(list_length(search->args), arg));
		search->args = lappend(search->args, arg);
	}
	return (Node *) call;
}

/* Adds the value of a row to a form, a new one if need be; false: it has none. */
static bool
add_to_form(List **forms, Node *value, Oid type, int row)
{
	FormSearch	search = {false, NIL, NIL};
	Node	   *expression = take_arguments(value, &search);
	Form	   *form = NULL;
	ListCell   *lc;

	if (search.args == NIL || list_length(search.args) > FUNC_MAX_ARGS ||
		exprType(value) != type)
		return false;
	foreach(lc, *forms)
		if (equal(((Form *) lfirst(lc))->expression, expression))
			form = lfirst(lc);
	if (form == NULL)
	{
		if (list_length(*forms) == MAX_FORMS)
			return false;
		form = palloc0(sizeof(Form));
		form->expression = expression;
		form->kinds = search.kinds;
		*forms = lappend(*forms, form);
	}
	while (list_length(form->rows) < row)
		form->rows = lappend(form->rows, NIL);
	form->rows = lappend(form->rows, search.args);
	form->nrows++;
	return true;
}

/*
 * ----------
 * Columns
 * ----------
 */

typedef struct ValuesRows
{
	Index		rtindex;
	RangeTblEntry *entry;
	List	   *rows;			/* of lists: our copies */
	int			nrows;
} ValuesRows;

/* The value of a row in a column; an own one of ours. */
static ListCell *
cell_of(const ValuesRows *values, int row, int column)
{
	return list_nth_cell(list_nth(values->rows, row), column - 1);
}

/* Adds a column, which is null as yet. */
static Var *
add_column(ValuesRows *values, Oid type, Oid collation)
{
	RangeTblEntry *entry = values->entry;
	int			number = list_length(entry->coltypes) + 1;
	ListCell   *lc;

	foreach(lc, values->rows)
		lfirst(lc) = lappend(lfirst(lc), makeNullConst(type, -1, collation));
	entry->coltypes = lappend_oid(entry->coltypes, type);
	entry->coltypmods = lappend_int(entry->coltypmods, -1);
	entry->colcollations = lappend_oid(entry->colcollations, collation);
	entry->eref->colnames = lappend(entry->eref->colnames,
									makeString(psprintf("column%d", number)));
	return makeVar(values->rtindex, number, type, -1, collation, 0);
}

/* The argument of all rows of a form, or NULL: they differ. */
static Node *
common_argument(const Form *form, int number)
{
	Node	   *common = NULL;
	ListCell   *lc;

	foreach(lc, form->rows)
	{
		Node	   *arg;

		if (lfirst(lc) == NIL)
			continue;
		arg = list_nth(lfirst(lc), number);
		if (common != NULL && !equal(arg, common))
			return NULL;
		common = arg;
	}
	return IsA(common, Const) || IsA(common, Param) ? common : NULL;
}

/* What stands for an argument above the rows: a column, unless it is fixed. */
static Node *
place_argument(ValuesRows *values, const Form *form, int number, Node *sample)
{
	Node	   *common = list_nth_int(form->kinds, number) ? NULL :
		common_argument(form, number);
	Var		   *column;
	int			row = 0;
	ListCell   *lc;

	if (common)
		return common;
	column = add_column(values, exprType(sample), exprCollation(sample));
	foreach(lc, form->rows)
	{
		if (lfirst(lc) != NIL)
			lfirst(cell_of(values, row, column->varattno)) = list_nth(lfirst(lc), number);
		row++;
	}
	return (Node *) column;
}

/* Puts the arguments of a form back, as context has them. */
static Node *
put_arguments(Node *node, void *context)
{
	List	   *args = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_SUBLINK)
		return copyObject(list_nth(args, ((Param *) node)->paramid));
	return expression_tree_mutator(node, put_arguments, context);
}

/* A form as an expression over columns of the rows. */
static Node *
place_form(ValuesRows *values, const Form *form)
{
	List	   *samples = llast(form->rows);
	List	   *args = NIL;

	for (int i = 0; i < list_length(samples); i++)
		args = lappend(args, place_argument(values, form, i, list_nth(samples, i)));
	return put_arguments(form->expression, args);
}

/* WHEN a row has a form THEN that, computed. */
static CaseWhen *
make_when(ValuesRows *values, const Form *form)
{
	Var		   *column = add_column(values, BOOLOID, InvalidOid);
	CaseWhen   *when = makeNode(CaseWhen);
	int			row = 0;
	ListCell   *lc;

	foreach(lc, form->rows)
		lfirst(cell_of(values, row++, column->varattno)) =
			makeBoolConst(lfirst(lc) != NIL, false);
	when->expr = (Expr *) column;
	when->result = (Expr *) place_form(values, form);
	when->location = -1;
	return when;
}

/*
 * What a column is, over columns of the rows; NULL: its values have no calls.
 * The rows are changed accordingly.
 */
static Node *
take_column(ValuesRows *values, int number)
{
	Oid			type = list_nth_oid(values->entry->coltypes, number - 1);
	int32		typmod = list_nth_int(values->entry->coltypmods, number - 1);
	Oid			collation = list_nth_oid(values->entry->colcollations, number - 1);
	List	   *forms = NIL;
	int			nplain = 0;
	CaseExpr   *expr;
	ListCell   *lc;

	for (int row = 0; row < values->nrows; row++)
	{
		ListCell   *cell = cell_of(values, row, number);

		if (add_to_form(&forms, lfirst(cell), type, row))
			lfirst(cell) = makeNullConst(type, typmod, collation);
		else
			nplain++;
	}
	if (forms == NIL)
		return NULL;
	if (nplain == 0 && list_length(forms) == 1)
		return place_form(values, linitial(forms));

	expr = makeNode(CaseExpr);
	expr->casetype = type;
	expr->casecollid = collation;
	foreach(lc, forms)
		expr->args = lappend(expr->args, make_when(values, lfirst(lc)));
	expr->defresult = (Expr *) makeVar(values->rtindex, number, type, typmod,
									   collation, 0);
	expr->location = -1;
	return (Node *) expr;
}

/*
 * ----------
 * Planning
 * ----------
 */

typedef struct Replacement
{
	Index		rtindex;
	List	   *columns;		/* for each column: what it is, or NULL */
} Replacement;

static Node *
replace_columns(Node *node, void *context)
{
	const Replacement *replacement = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == replacement->rtindex)
	{
		Node	   *column = list_nth(replacement->columns,
									  ((Var *) node)->varattno - 1);

		return copyObject(column ? column : node);
	}
	return expression_tree_mutator(node, replace_columns, context);
}

static bool
holds_whole_row(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno <= 0;
	return expression_tree_walker(node, holds_whole_row, context);
}

PathTarget *
inf_values_take_calls(PlannerInfo *root, PathTarget *old_target,
					  const Path *scan)
{
	Index		rtindex = scan->parent->relid;
	RangeTblEntry *entry = planner_rt_fetch(rtindex, root);
	int			ncolumns = list_length(entry->coltypes);
	ValuesRows	values = {rtindex, entry, NIL, list_length(entry->values_lists)};
	Replacement replacement = {rtindex, NIL};
	PathTarget *target;
	bool		found = false;
	ListCell   *lc;

	/* Conditions are over the columns as they were. */
	if (scan->parent->baserestrictinfo != NIL ||
		holds_whole_row((Node *) old_target->exprs, NULL))
		return NULL;
	foreach(lc, entry->values_lists)
		values.rows = lappend(values.rows, list_copy(lfirst(lc)));
	for (int i = 1; i <= ncolumns; i++)
	{
		/* Each form may add its arguments, and what tells of it. */
		bool		has_room = list_length(entry->coltypes) +
			MAX_FORMS * (FUNC_MAX_ARGS + 1) < MaxTupleAttributeNumber;
		Node	   *column = has_room ? take_column(&values, i) : NULL;

		replacement.columns = lappend(replacement.columns, column);
		found |= column != NULL;
	}
	if (!found)
		return NULL;
	entry->values_lists = values.rows;
	target = copy_pathtarget(old_target);
	target->exprs = (List *) replace_columns((Node *) target->exprs, &replacement);
	return target;
}

void
inf_values_make_others_once(PlannerInfo *root, Path *path)
{
	ModifyTablePath *insert = (ModifyTablePath *) path;
	PathTarget *target;

	if (!IsA(path, ModifyTablePath) || root->parse->commandType != CMD_INSERT ||
		!has_rows(root->parse))
		return;
	insert->withCheckOptionLists = (List *)
		inf_call_make_once((Node *) insert->withCheckOptionLists, NULL);
	insert->returningLists = (List *)
		inf_call_make_once((Node *) insert->returningLists, NULL);
	insert->onconflict = (OnConflictExpr *)
		inf_call_make_once((Node *) insert->onconflict, NULL);
	target = copy_pathtarget(insert->subpath->pathtarget);
	target->exprs = (List *) inf_call_make_once((Node *) target->exprs, NULL);
	insert->subpath->pathtarget = target;
}
