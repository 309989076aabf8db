using System.Reflection;

namespace Streams.Client.Tests;

/// <summary>Types as one writes them, with what may be null.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> Short = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(ushort)] = "ushort", [typeof(int)] = "int",
        [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(string)] = "string",
        [typeof(object)] = "object", [typeof(double)] = "double",
    };

    /// <summary>A type without a word on null.</summary>
    public static string Of(Type type) => Of(type, null);

    /// <summary>A type where it is used.</summary>
    public static string Of(NullabilityInfo info) => Of(info.Type, info);

    private static string Of(Type type, NullabilityInfo? info)
    {
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, info);
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return $"{Of(value, null)}?";
        }

        string mark = info is not null && !type.IsValueType && (info.ReadState == NullabilityState.Nullable
            || info.WriteState == NullabilityState.Nullable) ? "?" : string.Empty;
        if (type.IsArray)
        {
            return $"{Of(type.GetElementType()!, info?.ElementType)}[]{mark}";
        }

        if (type.IsGenericParameter)
        {
            return type.Name;                                    // whether it may be null is the caller's to say
        }

        if (Short.TryGetValue(type, out string? word))
        {
            return word + mark;
        }

        string name = type.IsNested ? $"{Of(type.DeclaringType!, null)}.{type.Name}"
            : type.Assembly == typeof(object).Assembly || type.Namespace!.StartsWith("System", StringComparison.Ordinal) ? type.Name
            : $"{type.Namespace}.{type.Name}";
        int tick = name.IndexOf('`', StringComparison.Ordinal);
        if (!type.IsGenericType || tick < 0)
        {
            return name + mark;
        }

        Type[] arguments = type.GetGenericArguments();
        IEnumerable<string> written = arguments.Select((argument, i) =>
            Of(argument, info?.GenericTypeArguments is { } infos && i < infos.Length ? infos[i] : null));
        return $"{name[..tick]}<{string.Join(", ", written)}>{mark}";
    }
}
