/**
 * Every refusal and failure that the simulator's source can answer, read off the source itself: each `new AzureError`,
 * each object with a code and a message, each `new ExpressionError`. A function that only makes one (`badRequest`) is
 * followed to where it is called. What cannot be read is an error here, so that nothing is overlooked.
 */
import { join, relative, resolve } from 'node:path';
import ts from 'typescript';

export interface Refusal {
  /** `compute/disks.ts:120` */
  readonly place: string;
  /** Undefined: its message stands inside that of another. */
  readonly code: string | undefined;
  readonly message: RegExp;
  /** As it is told: the message with `…` for what differs. */
  readonly words: string;
}

/** One text that an expression may be: `source` is its regular expression; `literal` where all of it is known. */
interface Text {
  readonly source: string;
  readonly literal: string | undefined;
}
type Known = ReadonlyMap<ts.Symbol, readonly Text[]>;
interface Made {
  /** Undefined: passes on what another made. */
  readonly code: ts.Expression | undefined;
  readonly message: ts.Expression | undefined;
  readonly isPart: boolean;
}

const ANY: Text = { source: String.raw`[\s\S]*`, literal: undefined };
const DEEPEST = 6;

const exactly = (literal: string): Text => ({
  source: literal.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
  literal,
});
const joined = (a: Text, b: Text): Text => ({
  source: a.source + b.source,
  literal: a.literal === undefined || b.literal === undefined ? undefined : a.literal + b.literal,
});

/** @param files under local/azure, as `compute/` or `http/call.ts`; a folder ends with a slash */
export function refusalsIn(files: readonly string[]): Refusal[] {
  const root = resolve('local/azure');
  const options = { strict: true, target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.Node16, skipLibCheck: true, types: ['node'] }; // prettier-ignore
  const program = ts.createProgram([join(root, 'main.ts')], options);
  const reader = new Reader(program.getTypeChecker(), root);
  return program
    .getSourceFiles()
    .filter(({ fileName }) => files.some((one) => within(relative(root, fileName), one)))
    .flatMap((file) => reader.read(file));
}

const within = (file: string, one: string): boolean => (one.endsWith('/') ? file.startsWith(one) : file === one);

class Reader {
  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly root: string,
  ) {}

  read(file: ts.SourceFile): Refusal[] {
    const found: Refusal[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isExpression(node) && !this.isMaker(enclosing(node), node)) found.push(...this.refusals(node));
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  }

  private refusals(node: ts.Expression): Refusal[] {
    const made = this.madeBy(node, new Map(), 0);
    if (made === undefined) return [];
    const file = node.getSourceFile();
    const place = `${relative(this.root, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    return made.codes.flatMap((code) =>
      made.messages.map((message) => {
        if (code !== undefined && code.literal === undefined)
          throw new Error(`${place}: the code of this refusal cannot be read off the source. Write it out.`);
        return {
          place,
          code: code?.literal,
          message: new RegExp(code === undefined ? message.source : `^${message.source}$`),
          words: message.literal ?? message.source.replaceAll(ANY.source, '…').replaceAll('\\', ''),
        };
      }),
    ).filter(({ code }) => code === undefined || /^\w+$/.test(code)); // prettier-ignore
  }

  /** The codes and messages of what an expression makes, if it makes a refusal. */
  private madeBy(node: ts.Expression, known: Known, depth: number): { codes: readonly (Text | undefined)[]; messages: readonly Text[] } | undefined {
    const made = this.direct(node);
    if (made !== undefined) {
      if (made.code !== undefined && passesOn(made.code)) return undefined;
      const codes = made.isPart ? [undefined] : this.texts(made.code, known, depth);
      return { codes, messages: this.texts(made.message, known, depth) };
    }
    if (!ts.isCallExpression(node) || depth > DEEPEST) return undefined;
    const maker = this.functionOf(node.expression);
    const body = maker === undefined ? undefined : resultOf(maker);
    if (maker === undefined || body === undefined) return undefined;
    return this.madeBy(body, this.bound(maker, node, known, depth), depth + 1);
  } // prettier-ignore

  private direct(node: ts.Expression): Made | undefined {
    if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
      const [first, second, third] = node.arguments ?? [];
      if (node.expression.text === 'AzureError') return { code: second, message: third, isPart: false };
      if (node.expression.text === 'ExpressionError') return { code: undefined, message: first, isPart: true };
    }
    if (!ts.isObjectLiteralExpression(node)) return undefined;
    const [code, message] = [memberOf(node, 'code'), memberOf(node, 'message')];
    return code === undefined || message === undefined ? undefined : { code, message, isPart: false };
  }

  /** A function whose result is the refusal that `node` makes: it counts where it is called. */
  private isMaker(around: ts.SignatureDeclaration | undefined, node: ts.Expression): boolean {
    return around !== undefined && resultOf(around) === node && this.madeBy(node, new Map(), 0) !== undefined;
  }

  private functionOf(name: ts.Expression): ts.SignatureDeclaration | undefined {
    if (!ts.isIdentifier(name)) return undefined;
    const declaration = this.declarationOf(name);
    if (declaration === undefined) return undefined;
    if (ts.isFunctionDeclaration(declaration)) return declaration;
    const value = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
    return value !== undefined && ts.isArrowFunction(value) ? value : undefined;
  }

  private declarationOf(name: ts.Identifier): ts.Declaration | undefined {
    const symbol = this.symbolOf(name);
    return symbol?.declarations?.[0];
  }

  private symbolOf(name: ts.Identifier): ts.Symbol | undefined {
    const shorthand = ts.isShorthandPropertyAssignment(name.parent)
      ? this.checker.getShorthandAssignmentValueSymbol(name.parent)
      : undefined;
    const symbol = shorthand ?? this.checker.getSymbolAtLocation(name);
    return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
      ? this.checker.getAliasedSymbol(symbol)
      : symbol;
  }

  private bound(maker: ts.SignatureDeclaration, call: ts.CallExpression, known: Known, depth: number): Known {
    const values = maker.parameters.flatMap(({ name, initializer }, index) => {
      const symbol = ts.isIdentifier(name) ? this.symbolOf(name) : undefined;
      const given = call.arguments[index] ?? initializer;
      return symbol === undefined ? [] : [[symbol, this.texts(given, known, depth)] as const];
    });
    return new Map(values);
  }

  /** Every text that the expression may be. */
  private texts(node: ts.Expression | undefined, known: Known, depth: number): readonly Text[] {
    if (node === undefined || depth > DEEPEST) return [ANY];
    const again = (one: ts.Expression): readonly Text[] => this.texts(one, known, depth + 1);
    if (ts.isStringLiteralLike(node)) return [exactly(node.text)];
    if (ts.isParenthesizedExpression(node)) return again(node.expression);
    if (ts.isConditionalExpression(node)) return [...again(node.whenTrue), ...again(node.whenFalse)];
    if (ts.isTemplateExpression(node))
      return node.templateSpans.reduce<readonly Text[]>(
        (before, { expression, literal }) => crossed(crossed(before, again(expression)), [exactly(literal.text)]),
        [exactly(node.head.text)],
      );
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
      return crossed(again(node.left), again(node.right));
    if (ts.isIdentifier(node)) return this.named(node, known, depth);
    const called = ts.isCallExpression(node) ? this.functionOf(node.expression) : undefined;
    const result = called === undefined ? undefined : resultOf(called);
    if (!ts.isCallExpression(node) || called === undefined || result === undefined) return [ANY];
    return this.texts(result, this.bound(called, node, known, depth), depth + 1);
  }

  private named(name: ts.Identifier, known: Known, depth: number): readonly Text[] {
    const symbol = this.symbolOf(name);
    const given = symbol === undefined ? undefined : known.get(symbol);
    if (given !== undefined) return given;
    const declaration = this.declarationOf(name);
    const isConstant = declaration !== undefined && ts.isVariableDeclaration(declaration) && ts.isIdentifier(declaration.name);
    return isConstant ? this.texts(declaration.initializer, known, depth + 1) : [ANY];
  } // prettier-ignore
}

const crossed = (before: readonly Text[], after: readonly Text[]): Text[] =>
  before.flatMap((a) => after.map((b) => joined(a, b)));

/** The code of another refusal, or the shape of one (`z.string()`). */
const passesOn = (code: ts.Expression): boolean =>
  ts.isCallExpression(code) || (ts.isPropertyAccessExpression(code) && code.name.text === 'code');

function memberOf({ properties }: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const one of properties) {
    if (ts.isShorthandPropertyAssignment(one) && one.name.text === name) return one.name;
    if (ts.isPropertyAssignment(one) && ts.isIdentifier(one.name) && one.name.text === name) return one.initializer;
  }
  return undefined;
}

const enclosing = (node: ts.Node): ts.SignatureDeclaration | undefined =>
  ts.findAncestor(node.parent, (one) => ts.isFunctionDeclaration(one) || ts.isArrowFunction(one) || ts.isMethodDeclaration(one)); // prettier-ignore

/** What a function gives, where that is one expression: `failure` of `({ failure: { … } })` counts as itself. */
function resultOf(of: ts.SignatureDeclaration): ts.Expression | undefined {
  if (!ts.isArrowFunction(of) && !ts.isFunctionDeclaration(of)) return undefined;
  const { body } = of;
  const result = body === undefined || ts.isBlock(body) ? onlyReturn(body) : body;
  const bare = result !== undefined && ts.isParenthesizedExpression(result) ? result.expression : result;
  if (bare === undefined || !ts.isObjectLiteralExpression(bare)) return bare;
  return memberOf(bare, 'failure') ?? bare;
}

function onlyReturn(body: ts.Block | undefined): ts.Expression | undefined {
  const found: ts.ReturnStatement[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isReturnStatement(node)) found.push(node);
    if (!ts.isFunctionLike(node)) ts.forEachChild(node, visit);
  };
  if (body !== undefined) visit(body);
  const [only, ...more] = found;
  return more.length === 0 ? only?.expression : undefined;
}
