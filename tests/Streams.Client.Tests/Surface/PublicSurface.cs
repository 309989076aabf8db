using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Streams.Client.Tests;

/// <summary>Everything of an assembly that others can compile against, one line each, in an order that does not depend on the
/// source.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IReadOnlyList<string> Of(Assembly assembly)
    {
        List<string> lines = [];
        foreach (Type type in assembly.GetExportedTypes())
        {
            string name = TypeNames.Of(type);
            lines.Add($"{name} : {Kind(type)}{Bases(type)}");
            lines.AddRange(Members(type).Select(member => $"{name}.{member}"));
        }

        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static IEnumerable<string> Members(Type type)
    {
        NullabilityInfoContext nullability = new();
        if (type.IsEnum)
        {
            foreach (FieldInfo value in type.GetFields(BindingFlags.Public | BindingFlags.Static))
            {
                yield return $"{value.Name} = {Convert.ToString(value.GetRawConstantValue(), CultureInfo.InvariantCulture)}";
            }

            yield break;
        }

        foreach (FieldInfo field in type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily))
        {
            string constant = field.IsLiteral ? $" = {Constant(field.GetRawConstantValue())}" : string.Empty;
            yield return $"{field.Name} : {Static(field.IsStatic)}{TypeNames.Of(nullability.Create(field))}{constant}";
        }

        foreach (PropertyInfo property in type.GetProperties(Declared).Where(static p => p.GetAccessors(true).Any(IsVisible)))
        {
            string accessors = string.Join(' ', property.GetAccessors(true).Where(IsVisible).Select(a => a.ReturnType == typeof(void)
                ? a.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init" : "set" : "get").Order());
            string index = property.GetIndexParameters() is { Length: > 0 } indexes
                ? $"[{Parameters(indexes, nullability)}]" : string.Empty;
            string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : string.Empty;
            yield return $"{property.Name}{index} : {Static(property.GetAccessors(true)[0].IsStatic)}{required}"
                + $"{TypeNames.Of(nullability.Create(property))} {{ {accessors} }}";
        }

        foreach (EventInfo happening in type.GetEvents(Declared).Where(static e => IsVisible(e.AddMethod!)))
        {
            yield return $"{happening.Name} : event {TypeNames.Of(nullability.Create(happening))}";
        }

        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(static c => IsVisible(c) && !c.IsStatic))
        {
            yield return $"new({Parameters(constructor.GetParameters(), nullability)})";
        }

        foreach (MethodInfo method in type.GetMethods(Declared).Where(static m => IsVisible(m) && IsWritten(m)))
        {
            string generic = method.IsGenericMethodDefinition
                ? $"<{string.Join(", ", method.GetGenericArguments().Select(static a => a.Name))}>" : string.Empty;
            string extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : string.Empty;
            yield return $"{method.Name}{generic}({extension}{Parameters(method.GetParameters(), nullability)})"
                + $" : {Static(method.IsStatic)}{TypeNames.Of(nullability.Create(method.ReturnParameter))}";
        }
    }

    private static string Parameters(ParameterInfo[] parameters, NullabilityInfoContext nullability) =>
        string.Join(", ", parameters.Select(p =>
            (p.IsOut ? "out " : p.ParameterType.IsByRef ? p.IsIn ? "in " : "ref " : string.Empty)
            + $"{TypeNames.Of(nullability.Create(p))} {p.Name}{(p.HasDefaultValue ? $" = {Constant(p.RawDefaultValue)}" : string.Empty)}"));

    private static string Constant(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Kind(Type type) =>
        type.IsEnum ? "enum"
        : type.IsInterface ? "interface"
        : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : string.Empty)
            + (type.IsByRefLike ? "ref struct" : "struct")
        : (type.IsAbstract ? type.IsSealed ? "static " : "abstract " : type.IsSealed ? "sealed " : string.Empty) + "class";

    private static string Bases(Type type)
    {
        List<string> bases = [];
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
        {
            bases.Add(TypeNames.Of(parent));
        }

        if (!type.IsEnum)
        {
            bases.AddRange(type.GetInterfaces().Where(static i => i.IsVisible).Select(TypeNames.Of).Order(StringComparer.Ordinal));
        }

        return bases.Count == 0 ? string.Empty : $" : {string.Join(", ", bases)}";
    }

    private static string Static(bool isStatic) => isStatic ? "static " : string.Empty;

    private static bool IsVisible(MethodBase method) =>
        method.IsPublic || ((method.IsFamily || method.IsFamilyOrAssembly) && method.DeclaringType is { IsSealed: false });

    // Accessors stand with their properties; what the compiler makes for records follows from their other members.
    private static bool IsWritten(MethodInfo method) =>
        (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))
        && !method.IsDefined(typeof(CompilerGeneratedAttribute)) && !method.Name.Contains('<', StringComparison.Ordinal);
}
